/* @bruin

name: marts.weekly_sales
type: duckdb.sql
description: Sales by week and the change to the week before.

materialization:
  type: table

depends:
  - core.calendar
  - core.fct_orders

columns:
  - name: week_start
    type: date
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: orders
    type: integer
    checks:
      - name: positive
  - name: revenue
    type: decimal
    checks:
      - name: positive

custom_checks:
  - name: only the first week has no predecessor
    count: 1
    query: SELECT week_start FROM marts.weekly_sales WHERE change IS NULL

@bruin */

WITH weeks AS (
  SELECT c.week_start, sum(o.revenue) AS revenue, count(*) AS orders
  FROM core.fct_orders AS o
  JOIN core.calendar AS c ON c.day = o.ordered_on
  GROUP BY c.week_start
)
SELECT week_start, orders, revenue,
       round(revenue / lag(revenue) OVER (ORDER BY week_start) - 1, 4) AS change
FROM weeks
ORDER BY week_start
