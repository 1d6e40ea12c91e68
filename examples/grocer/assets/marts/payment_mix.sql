/* @bruin

name: marts.payment_mix
type: duckdb.sql
description: How people pay.

materialization:
  type: table

depends:
  - core.fct_payments

columns:
  - name: method
    type: varchar
    primary_key: true
    checks:
      - name: not_null
      - name: unique
      - name: accepted_values
        value: [card,cash,wallet]
  - name: payments
    type: integer
    checks:
      - name: positive
  - name: revenue
    type: decimal
    checks:
      - name: positive
  - name: fees
    type: decimal
    checks:
      - name: non_negative

custom_checks:
  - name: three ways to pay
    value: 3
    query: SELECT count(*) FROM marts.payment_mix

@bruin */

SELECT method, count(*) AS payments, sum(revenue) AS revenue, sum(fee) AS fees
FROM core.fct_payments
GROUP BY method
