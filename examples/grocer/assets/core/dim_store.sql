/* @bruin

name: core.dim_store
type: duckdb.sql
description: Shops.

materialization:
  type: table

depends:
  - staging.stores

columns:
  - name: store_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: store
    type: varchar
    checks:
      - name: not_null
      - name: unique
  - name: city
    type: varchar
    checks:
      - name: not_null
  - name: square_metres
    type: integer
    checks:
      - name: positive

@bruin */

SELECT store_id, store, city, square_metres, years_open FROM staging.stores
