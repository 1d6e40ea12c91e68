/* @bruin

name: staging.customers
type: duckdb.sql
description: Members; an unknown city is called unknown.

materialization:
  type: table

depends:
  - raw.customers

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
  - name: email
    type: varchar
    checks:
      - name: not_null
      - name: unique
  - name: city
    type: varchar
    checks:
      - name: not_null
  - name: joined_on
    type: date
    checks:
      - name: not_null

@bruin */

SELECT customer_id,
       first_name || ' ' || last_name AS customer,
       lower(email) AS email,
       coalesce(nullif(city, ''), 'unknown') AS city,
       joined_on,
       newsletter
FROM raw.customers
