/* @bruin

name: marts.daily_sales
type: duckdb.sql
description: Sales by day, one row for each day, also for days without any.

materialization:
  type: table

depends:
  - core.calendar
  - core.fct_orders

columns:
  - name: day
    type: date
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: orders
    type: integer
    checks:
      - name: not_null
      - name: positive
  - name: revenue
    type: decimal
    checks:
      - name: not_null
      - name: positive
  - name: average_order
    type: decimal
    checks:
      - name: positive

custom_checks:
  - name: every day once
    value: 60
    query: SELECT count(*) FROM marts.daily_sales
  - name: nothing is lost on the way
    value: 1
    query: SELECT abs((SELECT sum(revenue) FROM marts.daily_sales) - (SELECT sum(revenue) FROM core.fct_orders)) < 0.005
  - name: weeks and days agree
    value: 1
    query: SELECT abs((SELECT sum(revenue) FROM marts.daily_sales) - (SELECT sum(revenue) FROM marts.weekly_sales)) < 0.005

@bruin */

SELECT c.day,
       c.is_weekend,
       count(DISTINCT o.order_id) AS orders,
       coalesce(sum(o.revenue), 0) AS revenue,
       round(avg(o.revenue), 2) AS average_order
FROM core.calendar AS c
LEFT JOIN core.fct_orders AS o ON o.ordered_on = c.day
GROUP BY c.day, c.is_weekend
ORDER BY c.day
