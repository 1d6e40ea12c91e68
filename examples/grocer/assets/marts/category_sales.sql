/* @bruin

name: marts.category_sales
type: duckdb.sql
description: Sales by shelf and month.

materialization:
  type: table

depends:
  - core.fct_order_lines
  - core.dim_product
  - core.calendar

columns:
  - name: month_start
    type: date
    primary_key: true
    checks:
      - name: not_null
  - name: category
    type: varchar
    primary_key: true
    checks:
      - name: not_null
  - name: pieces
    type: integer
    checks:
      - name: positive
  - name: revenue
    type: decimal
    checks:
      - name: positive
  - name: share
    type: decimal
    checks:
      - name: positive
      - name: max
        value: 100

custom_checks:
  - name: shares are a whole
    query: |
      SELECT count(*) FROM (
        SELECT month_start, sum(share) AS total FROM marts.category_sales GROUP BY month_start
      ) WHERE abs(total - 100) > 0.1

@bruin */

SELECT c.month_start, p.category, sum(l.quantity) AS pieces, sum(l.revenue) AS revenue,
       round(100 * sum(l.revenue) / sum(sum(l.revenue)) OVER (PARTITION BY c.month_start), 2) AS share
FROM core.fct_order_lines AS l
JOIN core.dim_product AS p USING (product_id)
JOIN core.calendar AS c ON c.day = l.ordered_on
GROUP BY c.month_start, p.category
