/* @bruin

name: staging.suppliers
type: duckdb.sql
description: Suppliers, cleaned.

materialization:
  type: view

depends:
  - raw.suppliers

columns:
  - name: supplier_id
    type: integer
    checks:
      - name: not_null
      - name: unique
  - name: supplier
    type: varchar
    checks:
      - name: not_null
  - name: lead_days
    type: integer
    checks:
      - name: positive

@bruin */

SELECT supplier_id, trim(name) AS supplier, country, lead_days FROM raw.suppliers
