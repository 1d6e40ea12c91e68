/* @bruin

name: marts.cohorts
type: duckdb.sql
description: Members by the month of their first order, and how many came back.

materialization:
  type: table

depends:
  - core.dim_customer
  - core.fct_orders

columns:
  - name: cohort
    type: date
    primary_key: true
    checks:
      - name: not_null
  - name: month_number
    type: integer
    primary_key: true
    checks:
      - name: non_negative
  - name: customers
    type: integer
    checks:
      - name: positive

@bruin */

WITH firsts AS (
  SELECT customer_id, CAST(date_trunc('month', first_order_on) AS DATE) AS cohort
  FROM core.dim_customer
  WHERE first_order_on IS NOT NULL
)
SELECT f.cohort,
       date_diff('month', f.cohort, CAST(date_trunc('month', o.ordered_on) AS DATE)) AS month_number,
       count(DISTINCT f.customer_id) AS customers
FROM firsts AS f
JOIN core.fct_orders AS o USING (customer_id)
GROUP BY ALL
