/* @bruin

name: staging.categories
type: duckdb.sql
description: Shelves, cleaned.

materialization:
  type: view

depends:
  - raw.categories

columns:
  - name: category_id
    type: integer
    checks:
      - name: not_null
      - name: unique
  - name: category
    type: varchar
    checks:
      - name: not_null
      - name: unique
      - name: pattern
        value: "^[a-z]+$"

@bruin */

SELECT category_id, lower(name) AS category, chilled FROM raw.categories
