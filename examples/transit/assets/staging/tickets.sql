/* @bruin

name: staging.tickets
type: pg.sql
description: Tickets with real times.

materialization:
  type: view

depends:
  - ready.all
  - raw.tickets

columns:
  - name: ticket_id
    type: integer
    checks:
      - name: not_null
      - name: unique
  - name: sold_on
    type: date
    checks:
      - name: not_null
  - name: euros
    type: numeric
    checks:
      - name: positive

@bruin */

SELECT ticket_id, passenger_id, sold_at::timestamp AS sold_at, sold_at::timestamp::date AS sold_on,
       zone, cents / 100.0 AS euros
FROM raw.tickets
