/* @bruin

name: core.fct_sales
type: pg.sql
description: Sales by day and zone; days that come again are replaced.

materialization:
  type: table
  strategy: delete+insert
  incremental_key: sold_on

depends:
  - staging.tickets

columns:
  - name: sold_on
    type: date
    primary_key: true
    checks:
      - name: not_null
  - name: zone
    type: varchar
    primary_key: true
    checks:
      - name: not_null
  - name: tickets
    type: bigint
    checks:
      - name: positive
  - name: euros
    type: numeric
    checks:
      - name: positive

custom_checks:
  - name: three zones each day
    query: SELECT count(*) FROM (SELECT sold_on FROM core.fct_sales GROUP BY sold_on HAVING count(*) <> 3) AS d

@bruin */

SELECT sold_on, zone, count(*) AS tickets, sum(euros) AS euros
FROM staging.tickets
WHERE sold_on BETWEEN '{{ start_date }}' AND '{{ end_date }}'
GROUP BY sold_on, zone
