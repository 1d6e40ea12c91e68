/* @bruin

name: marts.stock_cover
type: duckdb.sql
description: Days that the stock of the last count lasts.

materialization:
  type: table

depends:
  - core.fct_order_lines
  - staging.stock

columns:
  - name: store_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
  - name: product_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
  - name: pieces
    type: integer
    checks:
      - name: non_negative
  - name: days_of_cover
    type: double
    checks:
      - name: non_negative

custom_checks:
  - name: every shop is counted
    value: 12
    query: SELECT count(DISTINCT store_id) FROM marts.stock_cover

@bruin */

WITH sold AS (
  SELECT store_id, product_id, sum(quantity) / {{ var.days }} AS per_day
  FROM core.fct_order_lines
  GROUP BY ALL
), last_count AS (
  SELECT store_id, product_id, arg_max(pieces, counted_on) AS pieces
  FROM staging.stock
  GROUP BY ALL
)
SELECT l.store_id, l.product_id, l.pieces, round(l.pieces / nullif(s.per_day, 0), 1) AS days_of_cover
FROM last_count AS l
LEFT JOIN sold AS s USING (store_id, product_id)
