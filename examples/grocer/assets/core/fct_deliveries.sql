/* @bruin

name: core.fct_deliveries
type: duckdb.sql
description: Deliveries by shop.

materialization:
  type: table

depends:
  - staging.deliveries
  - core.fct_orders

columns:
  - name: delivery_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: order_id
    type: integer
    checks:
      - name: not_null
  - name: delay_minutes
    type: integer
    checks:
      - name: not_null
  - name: is_late
    type: boolean
    checks:
      - name: not_null

@bruin */

SELECT d.delivery_id, d.order_id, o.ordered_on, o.store_id, d.delay_minutes, d.delay_minutes > {{ var.late_minutes }} AS is_late
FROM staging.deliveries AS d
JOIN core.fct_orders AS o USING (order_id)
