/* @bruin

name: staging.products
type: duckdb.sql
description: Products with shelf and supplier.

materialization:
  type: table

depends:
  - raw.products
  - staging.categories
  - staging.suppliers

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
  - name: supplier
    type: varchar
    checks:
      - name: not_null
  - name: unit_price
    type: decimal
    checks:
      - name: positive
  - name: unit
    type: varchar
    checks:
      - name: not_null

custom_checks:
  - name: no product is lost by the joins
    query: SELECT (SELECT count(*) FROM raw.products) - (SELECT count(*) FROM staging.products)

@bruin */

SELECT p.product_id,
       p.name AS product,
       c.category,
       s.supplier,
       s.country AS supplier_country,
       CAST(p.unit_price AS DECIMAL(10, 2)) AS unit_price,
       p.unit,
       c.chilled
FROM raw.products AS p
JOIN staging.categories AS c USING (category_id)
JOIN staging.suppliers AS s USING (supplier_id)
