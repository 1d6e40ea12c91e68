/* @bruin

name: staging.trips
type: pg.sql
description: Trips with the name of their line.

materialization:
  type: view

depends:
  - ready.all
  - raw.lines
  - raw.trips

columns:
  - name: trip_id
    type: varchar
    checks:
      - name: not_null
      - name: unique
  - name: line
    type: varchar
    checks:
      - name: not_null
  - name: is_late
    type: boolean
    checks:
      - name: not_null

@bruin */

SELECT t.trip_id, t.line_id, l.name AS line, l.kind, t.vehicle_id, t.trip_date, t.departed_at,
       t.delay_minutes, t.delay_minutes > {{ var.late_minutes }} AS is_late
FROM raw.trips AS t
JOIN raw.lines AS l USING (line_id);
