/* @bruin

name: staging.stores
type: duckdb.sql
description: Shops with their age.

materialization:
  type: view

depends:
  - raw.stores

columns:
  - name: store_id
    type: integer
    checks:
      - name: not_null
      - name: unique
  - name: store
    type: varchar
    checks:
      - name: not_null
  - name: years_open
    type: integer
    checks:
      - name: non_negative
      - name: max
        value: 20

@bruin */

SELECT store_id, name AS store, city, opened_on, square_metres,
       date_diff('year', opened_on, DATE '2026-01-01') AS years_open
FROM raw.stores
