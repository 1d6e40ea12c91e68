/* @bruin

name: archive.best_line
type: duckdb.sql
description: The best line, computed in the archive itself.

materialization:
  type: table

depends:
  - archive.punctuality

columns:
  - name: line
    type: varchar
    checks:
      - name: not_null
  - name: late_percent
    type: decimal
    checks:
      - name: non_negative

custom_checks:
  - name: one line is the best
    value: 1
    query: SELECT count(*) FROM archive.best_line

@bruin */

SELECT line, late_percent FROM archive.punctuality ORDER BY late_percent, line LIMIT 1
