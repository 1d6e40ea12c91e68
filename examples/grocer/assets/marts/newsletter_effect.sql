/* @bruin

name: marts.newsletter_effect
type: duckdb.sql
description: Do readers of the newsletter buy more?

materialization:
  type: view

depends:
  - core.dim_customer
  - marts.customer_value

columns:
  - name: newsletter
    type: boolean
    checks:
      - name: not_null
      - name: unique
  - name: customers
    type: integer
    checks:
      - name: positive
  - name: revenue_per_customer
    type: decimal
    checks:
      - name: positive

@bruin */

SELECT c.newsletter, count(DISTINCT c.customer_id) AS customers, round(sum(v.revenue) / count(*), 2) AS revenue_per_customer
FROM core.dim_customer AS c
JOIN marts.customer_value AS v USING (customer_id)
GROUP BY c.newsletter
