/* @bruin

name: staging.order_items
type: duckdb.sql
description: Lines of orders that were not cancelled.

materialization:
  type: table

depends:
  - raw.order_items
  - staging.orders

columns:
  - name: order_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
  - name: line
    type: integer
    primary_key: true
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

@bruin */

SELECT i.order_id, i.line, i.product_id, i.quantity
FROM raw.order_items AS i
SEMI JOIN staging.orders AS o USING (order_id)
