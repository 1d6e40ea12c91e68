/* @bruin

name: core.fct_returns
type: duckdb.sql
description: Returns with the money that went back.

materialization:
  type: table

depends:
  - staging.returns
  - core.fct_order_lines

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
  - name: refund
    type: decimal
    checks:
      - name: positive
  - name: reason
    type: varchar
    checks:
      - name: not_null

custom_checks:
  - name: every refund was sold
    query: SELECT count(*) FROM core.fct_returns r ANTI JOIN core.fct_orders o USING (order_id)

@bruin */

SELECT r.return_id, r.order_id, l.ordered_on, l.store_id, r.product_id, r.quantity, r.reason, l.revenue AS refund
FROM staging.returns AS r
JOIN core.fct_order_lines AS l ON l.order_id = r.order_id AND l.line = 1
