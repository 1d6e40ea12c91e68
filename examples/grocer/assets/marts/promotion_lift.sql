/* @bruin

name: marts.promotion_lift
type: duckdb.sql
description: Pieces a day with and without a promotion.

materialization:
  type: table

depends:
  - core.fct_order_lines

columns:
  - name: product_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: promoted_pieces
    type: integer
    checks:
      - name: positive
  - name: usual_per_day
    type: double
    checks:
      - name: positive

@bruin */

WITH days AS (
  SELECT product_id, on_promotion, count(DISTINCT ordered_on) AS days, sum(quantity) AS pieces
  FROM core.fct_order_lines
  GROUP BY ALL
)
SELECT product_id,
       sum(pieces) FILTER (on_promotion) AS promoted_pieces,
       round(sum(pieces / days) FILTER (on_promotion), 2) AS promoted_per_day,
       round(sum(pieces / days) FILTER (NOT on_promotion), 2) AS usual_per_day
FROM days
GROUP BY product_id
HAVING count(*) = 2
