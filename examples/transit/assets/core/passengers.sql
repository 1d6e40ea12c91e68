/* @bruin

name: core.passengers
type: pg.sql
description: Passengers with the history of their cards.

materialization:
  type: table
  strategy: scd2_by_column

depends:
  - ready.all
  - raw.passengers

columns:
  - name: passenger_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
  - name: name
    type: varchar
    checks:
      - name: not_null
  - name: card
    type: varchar
    checks:
      - name: accepted_values
        value: [single,weekly,monthly]

custom_checks:
  - name: one version of each is current
    query: |
      SELECT count(*) FROM (
        SELECT passenger_id FROM core.passengers WHERE _is_current GROUP BY passenger_id HAVING count(*) <> 1
      ) AS twice
  - name: twenty-five passengers
    value: 25
    query: SELECT count(*) FROM core.passengers WHERE _is_current

@bruin */

SELECT passenger_id, name, card FROM raw.passengers
