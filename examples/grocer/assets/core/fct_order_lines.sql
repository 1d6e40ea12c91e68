/* @bruin

name: core.fct_order_lines
type: duckdb.sql
description: What was sold, at the price of its day.

materialization:
  type: table

depends:
  - staging.order_items
  - staging.orders
  - core.dim_product
  - core.promotion_days

columns:
  - name: order_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
  - name: line
    type: integer
    primary_key: true
    checks:
      - name: not_null
  - name: ordered_on
    type: date
    checks:
      - name: not_null
  - name: product_id
    type: integer
    checks:
      - name: not_null
  - name: quantity
    type: integer
    checks:
      - name: positive
  - name: price
    type: decimal
    checks:
      - name: positive
  - name: revenue
    type: decimal
    checks:
      - name: positive
  - name: on_promotion
    type: boolean
    checks:
      - name: not_null

custom_checks:
  - name: no line is lost or doubled
    query: SELECT (SELECT count(*) FROM staging.order_items) - (SELECT count(*) FROM core.fct_order_lines)
  - name: a promotion is never dearer
    query: |
      SELECT count(*)
      FROM core.fct_order_lines AS l
      JOIN core.dim_product AS p USING (product_id)
      WHERE l.price > p.unit_price

@bruin */

SELECT o.order_id,
       i.line,
       o.ordered_on,
       o.store_id,
       o.customer_id,
       o.channel,
       i.product_id,
       i.quantity,
       coalesce(d.promotion_price, p.unit_price) AS price,
       i.quantity * coalesce(d.promotion_price, p.unit_price) AS revenue,
       d.product_id IS NOT NULL AS on_promotion
FROM staging.order_items AS i
JOIN staging.orders AS o USING (order_id)
JOIN core.dim_product AS p USING (product_id)
LEFT JOIN core.promotion_days AS d ON d.product_id = i.product_id AND d.day = o.ordered_on
