/* @bruin

name: staging.stock
type: duckdb.sql
description: Counted stock.

materialization:
  type: view

depends:
  - raw.stock

columns:
  - name: counted_on
    type: date
    checks:
      - name: not_null
  - name: store_id
    type: integer
    checks:
      - name: not_null
  - name: pieces
    type: integer
    checks:
      - name: non_negative

@bruin */

SELECT counted_on, store_id, product_id, pieces FROM raw.stock
