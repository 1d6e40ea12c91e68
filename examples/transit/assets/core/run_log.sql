/* @bruin

name: core.run_log
type: pg.sql
description: One more row for each run.

materialization:
  type: table
  strategy: append

depends:
  - core.fct_trips

columns:
  - name: start_date
    type: date
    checks:
      - name: not_null
  - name: end_date
    type: date
    checks:
      - name: not_null
  - name: trips
    type: bigint
    checks:
      - name: positive

@bruin */

SELECT '{{ start_date }}'::date AS start_date, '{{ end_date }}'::date AS end_date, count(*) AS trips
FROM core.fct_trips
WHERE trip_date BETWEEN '{{ start_date }}' AND '{{ end_date }}'
