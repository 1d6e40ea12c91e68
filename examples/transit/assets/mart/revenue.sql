/* @bruin

name: mart.revenue
type: pg.sql
description: Revenue against fares.

materialization:
  type: view

depends:
  - core.fct_sales
  - core.fill_fares
  - core.fares

columns:
  - name: sold_on
    type: date
    checks:
      - name: not_null
      - name: unique
  - name: tickets
    type: numeric
    checks:
      - name: positive
  - name: euros
    type: numeric
    checks:
      - name: positive

custom_checks:
  - name: machines charge the fare
    query: SELECT count(*) FROM mart.revenue WHERE euros <> at_full_fare

@bruin */

SELECT s.sold_on, sum(s.tickets) AS tickets, sum(s.euros) AS euros, sum(s.tickets * f.euros) AS at_full_fare
FROM core.fct_sales AS s
JOIN core.fares AS f USING (zone)
GROUP BY s.sold_on
