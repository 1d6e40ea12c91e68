/* @bruin

name: staging.orders
type: duckdb.sql
description: Orders that were not cancelled.

materialization:
  type: table

depends:
  - raw.orders

columns:
  - name: order_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: store_id
    type: integer
    checks:
      - name: not_null
  - name: customer_id
    type: integer
    checks:
      - name: not_null
  - name: ordered_at
    type: timestamp
    checks:
      - name: not_null
  - name: ordered_on
    type: date
    checks:
      - name: not_null
  - name: channel
    type: varchar
    checks:
      - name: accepted_values
        value: [web,till]

custom_checks:
  - name: orders lie in the period
    query: |
      SELECT count(*)
      FROM staging.orders
      WHERE ordered_on NOT BETWEEN DATE '2026-01-01' AND DATE '2026-01-01' + {{ var.days }}
  - name: every payment has its order
    query: SELECT count(*) FROM raw.payments p ANTI JOIN staging.orders o USING (order_id)

@bruin */

SELECT order_id, store_id, customer_id, ordered_at, CAST(ordered_at AS DATE) AS ordered_on, channel
FROM raw.orders
WHERE status = 'done'
