/* @bruin

name: marts.punctuality
type: duckdb.sql
description: How often deliveries are late, by shop.

materialization:
  type: table

depends:
  - core.fct_deliveries

columns:
  - name: store_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: deliveries
    type: integer
    checks:
      - name: positive
  - name: late
    type: integer
    checks:
      - name: non_negative
  - name: late_percent
    type: double
    checks:
      - name: non_negative
      - name: max
        value: 100

@bruin */

SELECT store_id, count(*) AS deliveries, count(*) FILTER (is_late) AS late,
       round(100.0 * count(*) FILTER (is_late) / count(*), 1) AS late_percent
FROM core.fct_deliveries
GROUP BY store_id
