/* @bruin

name: staging.payments
type: duckdb.sql
description: Payments with fees in euros; no fee is zero.

materialization:
  type: view

depends:
  - raw.payments

columns:
  - name: payment_id
    type: integer
    checks:
      - name: not_null
      - name: unique
  - name: order_id
    type: integer
    checks:
      - name: not_null
      - name: unique
  - name: method
    type: varchar
    checks:
      - name: not_null
  - name: fee
    type: decimal
    checks:
      - name: non_negative

@bruin */

SELECT payment_id, order_id, method, CAST(coalesce(fee_cents, 0) / 100.0 AS DECIMAL(10, 2)) AS fee
FROM raw.payments
