/* @bruin

name: core.dim_stop
type: pg.sql
description: Stops with the number of lines that serve them.

materialization:
  type: table
  strategy: create+replace

depends:
  - raw.stops
  - raw.line_stops

columns:
  - name: stop_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: name
    type: varchar
    checks:
      - name: not_null
  - name: zone
    type: varchar
    checks:
      - name: not_null
  - name: lines
    type: bigint
    checks:
      - name: non_negative
      - name: max
        value: 6

@bruin */

SELECT s.stop_id, s.name, s.zone, count(DISTINCT ls.line_id) AS lines
FROM raw.stops AS s
LEFT JOIN raw.line_stops AS ls USING (stop_id)
GROUP BY s.stop_id, s.name, s.zone
