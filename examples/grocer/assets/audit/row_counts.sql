/* @bruin

name: audit.row_counts
type: duckdb.sql
description: How many rows each layer holds; one more row for each run.

materialization:
  type: table
  strategy: append

depends:
  - raw.orders
  - staging.orders
  - core.fct_order_lines
  - marts.daily_sales

columns:
  - name: run_for
    type: timestamp
    checks:
      - name: not_null
  - name: raw_orders
    type: integer
    checks:
      - name: positive
  - name: staged_orders
    type: integer
    checks:
      - name: positive
  - name: lines
    type: integer
    checks:
      - name: positive
  - name: revenue
    type: decimal
    checks:
      - name: positive

custom_checks:
  - name: staging takes orders away only
    query: SELECT count(*) FROM audit.row_counts WHERE staged_orders > raw_orders

@bruin */

SELECT TIMESTAMP '{{ end_datetime }}' AS run_for,
       (SELECT count(*) FROM raw.orders) AS raw_orders,
       (SELECT count(*) FROM staging.orders) AS staged_orders,
       (SELECT count(*) FROM core.fct_order_lines) AS lines,
       (SELECT round(sum(revenue), 2) FROM marts.daily_sales) AS revenue
