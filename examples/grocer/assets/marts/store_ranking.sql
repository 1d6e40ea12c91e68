/* @bruin

name: marts.store_ranking
type: duckdb.sql
description: Shops by revenue per square metre.

materialization:
  type: table

depends:
  - core.dim_store
  - core.fct_orders

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
  - name: revenue
    type: decimal
    checks:
      - name: positive
  - name: place
    type: integer
    checks:
      - name: positive
      - name: max
        value: 12

custom_checks:
  - name: all shops sell
    value: 12
    query: SELECT count(*) FROM marts.store_ranking

@bruin */

SELECT s.store_id, s.store, sum(o.revenue) AS revenue, round(sum(o.revenue) / s.square_metres, 3) AS per_square_metre,
       rank() OVER (ORDER BY sum(o.revenue) / s.square_metres DESC) AS place
FROM core.dim_store AS s
JOIN core.fct_orders AS o USING (store_id)
GROUP BY s.store_id, s.store, s.square_metres
