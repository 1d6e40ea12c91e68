/* @bruin

name: core.line_lengths
type: pg.sql
description: Minutes from end to end; emptied and filled again by each run.

materialization:
  type: table
  strategy: truncate+insert

depends:
  - raw.line_stops

columns:
  - name: line_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: minutes
    type: bigint
    checks:
      - name: positive

@bruin */

SELECT line_id, sum(minutes) AS minutes, count(*) AS stops FROM raw.line_stops GROUP BY line_id
