/* @bruin

name: core.dim_product
type: duckdb.sql
description: Products.

materialization:
  type: table

depends:
  - staging.products

columns:
  - name: product_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: product
    type: varchar
    checks:
      - name: not_null
  - name: category
    type: varchar
    checks:
      - name: not_null
  - name: unit_price
    type: decimal
    checks:
      - name: positive

custom_checks:
  - name: eight shelves
    value: 8
    query: SELECT count(DISTINCT category) FROM core.dim_product

@bruin */

SELECT product_id, product, category, supplier, unit_price, unit, chilled FROM staging.products
