/* @bruin

name: core.calendar
type: duckdb.sql
description: One row for each day of trade.

materialization:
  type: table

columns:
  - name: day
    type: date
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: weekday
    type: integer
    checks:
      - name: not_null
      - name: min
        value: 1
      - name: max
        value: 7
  - name: is_weekend
    type: boolean
    checks:
      - name: not_null
  - name: week_start
    type: date
    checks:
      - name: not_null

custom_checks:
  - name: all days are there
    value: 60
    query: SELECT count(*) FROM core.calendar

@bruin */

SELECT CAST(day AS DATE) AS day,
       isodow(day) AS weekday,
       isodow(day) >= 6 AS is_weekend,
       CAST(date_trunc('week', day) AS DATE) AS week_start,
       CAST(date_trunc('month', day) AS DATE) AS month_start
FROM generate_series(TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-01' + INTERVAL ({{ var.days - 1 }}) DAY, INTERVAL 1 DAY) AS days (day)
