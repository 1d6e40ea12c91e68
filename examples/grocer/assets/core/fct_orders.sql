/* @bruin

name: core.fct_orders
type: duckdb.sql
description: Orders with their worth.

materialization:
  type: table

depends:
  - staging.orders
  - core.fct_order_lines

columns:
  - name: order_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: ordered_on
    type: date
    checks:
      - name: not_null
  - name: lines
    type: integer
    checks:
      - name: positive
      - name: max
        value: 5
  - name: pieces
    type: integer
    checks:
      - name: positive
  - name: revenue
    type: decimal
    checks:
      - name: positive

custom_checks:
  - name: as many as staged
    value: 1
    query: SELECT (SELECT count(*) FROM staging.orders) = (SELECT count(*) FROM core.fct_orders)

@bruin */

SELECT o.order_id, o.ordered_on, o.store_id, o.customer_id, o.channel,
       count(*) AS lines, sum(l.quantity) AS pieces, sum(l.revenue) AS revenue
FROM staging.orders AS o
JOIN core.fct_order_lines AS l USING (order_id)
GROUP BY ALL
