/* @bruin

name: staging.returns
type: duckdb.sql
description: Returns with the product that came back.

materialization:
  type: table

depends:
  - raw.returns
  - raw.order_items

columns:
  - name: return_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: order_id
    type: integer
    checks:
      - name: not_null
  - name: product_id
    type: integer
    checks:
      - name: not_null
  - name: quantity
    type: integer
    checks:
      - name: positive
  - name: reason
    type: varchar
    checks:
      - name: not_null

@bruin */

SELECT r.return_id, r.order_id, i.product_id, i.quantity, r.reason
FROM raw.returns AS r
JOIN raw.order_items AS i USING (order_id, line)
