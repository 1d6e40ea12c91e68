/* @bruin

name: staging.promotions
type: duckdb.sql
description: Promotions with the price that they make.

materialization:
  type: table

depends:
  - raw.promotions
  - staging.products

columns:
  - name: promotion_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: product_id
    type: integer
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

SELECT pr.promotion_id, pr.product_id, pr.starts_on, pr.ends_on, pr.percent,
       CAST(round(p.unit_price * (100 - pr.percent) * 0.01, 2) AS DECIMAL(10, 2)) AS promotion_price
FROM raw.promotions AS pr
JOIN staging.products AS p USING (product_id)
