/* @bruin

name: staging.deliveries
type: duckdb.sql
description: Deliveries with their delay in minutes.

materialization:
  type: view

depends:
  - raw.deliveries

columns:
  - name: delivery_id
    type: integer
    checks:
      - name: not_null
      - name: unique
  - name: order_id
    type: integer
    checks:
      - name: not_null
      - name: unique
  - name: delay_minutes
    type: integer
    checks:
      - name: not_null
      - name: min
        value: -60
      - name: max
        value: 60

@bruin */

SELECT delivery_id, order_id, promised_at, delivered_at,
       date_diff('minute', promised_at, delivered_at) AS delay_minutes
FROM raw.deliveries
