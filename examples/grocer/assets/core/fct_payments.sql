/* @bruin

name: core.fct_payments
type: duckdb.sql
description: Payments with the order's worth.

materialization:
  type: table

depends:
  - staging.payments
  - core.fct_orders

columns:
  - name: payment_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: order_id
    type: integer
    checks:
      - name: not_null
      - name: unique
  - name: revenue
    type: decimal
    checks:
      - name: positive
  - name: fee
    type: decimal
    checks:
      - name: non_negative

custom_checks:
  - name: net and fee add up
    value: 1
    query: SELECT abs(sum(net) + sum(fee) - sum(revenue)) < 0.005 FROM core.fct_payments

@bruin */

SELECT p.payment_id, p.order_id, o.ordered_on, p.method, o.revenue, p.fee, o.revenue - p.fee AS net
FROM staging.payments AS p
JOIN core.fct_orders AS o USING (order_id)
