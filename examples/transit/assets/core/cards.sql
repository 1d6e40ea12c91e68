/* @bruin

name: core.cards
type: pg.sql
description: The same history by the moment of change.

materialization:
  type: table
  strategy: scd2_by_time
  incremental_key: changed_at

depends:
  - ready.all
  - raw.passengers

columns:
  - name: passenger_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
  - name: card
    type: varchar
    checks:
      - name: not_null
  - name: changed_at
    type: timestamp
    checks:
      - name: not_null

custom_checks:
  - name: one version of each is current
    value: 25
    query: SELECT count(*) FROM core.cards WHERE _is_current

@bruin */

SELECT passenger_id, card, changed_at::timestamp AS changed_at FROM raw.passengers
