/* @bruin

name: marts.basket_pairs
type: duckdb.sql
description: Products that are bought together.

materialization:
  type: table

depends:
  - core.fct_order_lines

columns:
  - name: product_a
    type: integer
    primary_key: true
    checks:
      - name: not_null
  - name: product_b
    type: integer
    primary_key: true
    checks:
      - name: not_null
  - name: orders
    type: integer
    checks:
      - name: min
        value: 3

custom_checks:
  - name: no pair twice
    query: SELECT count(*) FROM marts.basket_pairs WHERE product_a >= product_b

@bruin */

SELECT a.product_id AS product_a, b.product_id AS product_b, count(*) AS orders
FROM core.fct_order_lines AS a
JOIN core.fct_order_lines AS b ON a.order_id = b.order_id AND a.product_id < b.product_id
GROUP BY ALL
HAVING count(*) >= 3
