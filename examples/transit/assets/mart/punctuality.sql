/* @bruin

name: mart.punctuality
type: pg.sql
description: Punctuality by line.

materialization:
  type: table
  strategy: create+replace

depends:
  - core.fct_trips

columns:
  - name: line_id
    type: bigint
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: line
    type: varchar
    checks:
      - name: not_null
  - name: trips
    type: bigint
    checks:
      - name: positive
  - name: late_percent
    type: numeric
    checks:
      - name: non_negative
      - name: max
        value: 100

custom_checks:
  - name: all lines run
    count: 6
    query: SELECT line_id FROM mart.punctuality

@bruin */

SELECT line_id, line, count(*) AS trips, avg(delay_minutes)::numeric(6, 2) AS average_delay,
       round(100.0 * count(*) FILTER (WHERE is_late) / count(*), 1) AS late_percent
FROM core.fct_trips
GROUP BY line_id, line
