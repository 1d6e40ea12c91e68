/* @bruin

name: core.dim_customer
type: duckdb.sql
description: Members with their first order.

materialization:
  type: table

depends:
  - staging.customers
  - staging.orders

columns:
  - name: customer_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: customer
    type: varchar
    checks:
      - name: not_null
  - name: city
    type: varchar
    checks:
      - name: not_null

@bruin */

SELECT c.customer_id, c.customer, c.city, c.joined_on, c.newsletter, min(o.ordered_on) AS first_order_on
FROM staging.customers AS c
LEFT JOIN staging.orders AS o USING (customer_id)
GROUP BY ALL
