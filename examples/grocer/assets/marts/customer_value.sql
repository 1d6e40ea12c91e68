/* @bruin

name: marts.customer_value
type: duckdb.sql
description: What each member is worth.

materialization:
  type: table

depends:
  - core.dim_customer
  - core.fct_orders

columns:
  - name: customer_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: orders
    type: integer
    checks:
      - name: non_negative
  - name: revenue
    type: decimal
    checks:
      - name: non_negative
  - name: segment
    type: varchar
    checks:
      - name: not_null
      - name: accepted_values
        value: [vip,active,sleeping]

custom_checks:
  - name: vips are worth it
    query: |
      SELECT count(*)
      FROM marts.customer_value
      WHERE (segment = 'vip') <> (revenue >= {{ var.vip_revenue }})

@bruin */

SELECT c.customer_id, c.customer, c.city, count(o.order_id) AS orders, coalesce(sum(o.revenue), 0) AS revenue,
       CASE WHEN coalesce(sum(o.revenue), 0) >= {{ var.vip_revenue }} THEN 'vip'
            WHEN count(o.order_id) > 0 THEN 'active'
            ELSE 'sleeping' END AS segment
FROM core.dim_customer AS c
LEFT JOIN core.fct_orders AS o USING (customer_id)
GROUP BY c.customer_id, c.customer, c.city
