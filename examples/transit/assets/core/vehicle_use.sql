/* @bruin

name: core.vehicle_use
type: pg.sql
description: How far each vehicle has come; merged by vehicle.

materialization:
  type: table
  strategy: merge

depends:
  - raw.vehicles
  - staging.trips

columns:
  - name: vehicle_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: kind
    type: varchar
    checks:
      - name: not_null
  - name: depot
    type: varchar
    checks:
      - name: not_null
  - name: trips
    type: bigint
    update_on_merge: true
    checks:
      - name: non_negative
  - name: last_trip
    type: date
    update_on_merge: true

@bruin */

SELECT v.vehicle_id, v.kind, v.depot, count(t.trip_id) AS trips, max(t.trip_date) AS last_trip
FROM raw.vehicles AS v
LEFT JOIN staging.trips AS t USING (vehicle_id)
GROUP BY v.vehicle_id, v.kind, v.depot
