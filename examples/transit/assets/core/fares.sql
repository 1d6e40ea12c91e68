/* @bruin

name: core.fares
type: pg.sql
description: The table of fares; only its shape is declared.

materialization:
  type: table
  strategy: ddl

columns:
  - name: zone
    type: varchar
    primary_key: true
  - name: euros
    type: numeric
    precision: 6
    scale: 2
    description: Price of a single ticket.


@bruin */
