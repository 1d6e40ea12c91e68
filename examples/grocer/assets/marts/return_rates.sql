/* @bruin

name: marts.return_rates
type: duckdb.sql
description: Returns by shelf.

materialization:
  type: table

depends:
  - core.fct_order_lines
  - core.dim_product
  - core.fct_returns

columns:
  - name: category
    type: varchar
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: returns
    type: integer
    checks:
      - name: non_negative
  - name: lines_sold
    type: integer
    checks:
      - name: positive
  - name: return_percent
    type: double
    checks:
      - name: non_negative
      - name: max
        value: 100

custom_checks:
  - name: all returns are counted
    query: SELECT (SELECT sum(returns) FROM marts.return_rates) - (SELECT count(*) FROM core.fct_returns)

@bruin */

SELECT p.category, count(r.return_id) AS returns, count(*) AS lines_sold,
       round(100.0 * count(r.return_id) / count(*), 2) AS return_percent
FROM core.fct_order_lines AS l
JOIN core.dim_product AS p USING (product_id)
LEFT JOIN core.fct_returns AS r ON r.order_id = l.order_id AND l.line = 1
GROUP BY p.category
