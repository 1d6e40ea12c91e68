/* @bruin

name: core.fct_trips
type: pg.sql
description: Trips by day; a run replaces the days of its interval.
hooks:
  pre:
    - query: SET LOCAL work_mem = '8MB'
  post:
    - query: ANALYZE core.fct_trips

materialization:
  type: table
  strategy: time_interval
  incremental_key: trip_date
  time_granularity: date

depends:
  - staging.trips

columns:
  - name: trip_id
    type: varchar
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: line_id
    type: integer
    checks:
      - name: not_null
  - name: trip_date
    type: date
    checks:
      - name: not_null
  - name: delay_minutes
    type: bigint
    checks:
      - name: non_negative

custom_checks:
  - name: as many as the machines report
    query: |
      SELECT (SELECT count(*) FROM raw.trips WHERE trip_date <= '{{ end_date }}')
           - (SELECT count(*) FROM core.fct_trips WHERE trip_date <= '{{ end_date }}')

@bruin */

SELECT trip_id, line_id, line, vehicle_id, trip_date, delay_minutes, is_late
FROM staging.trips
WHERE trip_date BETWEEN '{{ start_date }}' AND '{{ end_date }}'
