/* @bruin

name: core.promotion_days
type: duckdb.sql
description: Each day on which a product is cheaper; the best promotion counts.

materialization:
  type: table

depends:
  - staging.promotions
  - core.calendar

columns:
  - name: product_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
  - name: day
    type: date
    primary_key: true
    checks:
      - name: not_null
  - name: percent
    type: integer
    checks:
      - name: positive
  - name: promotion_price
    type: decimal
    checks:
      - name: positive

@bruin */

SELECT p.product_id, c.day, max(p.percent) AS percent, min(p.promotion_price) AS promotion_price
FROM staging.promotions AS p
JOIN core.calendar AS c ON c.day BETWEEN p.starts_on AND p.ends_on
GROUP BY p.product_id, c.day
