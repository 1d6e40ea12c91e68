/* @bruin

name: mart.satisfaction
type: pg.sql
description: Stars by line beside its punctuality.

materialization:
  type: table

depends:
  - mart.punctuality
  - raw.feedback

columns:
  - name: line_id
    type: bigint
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: answers
    type: bigint
    checks:
      - name: non_negative
  - name: stars
    type: numeric
    checks:
      - name: min
        value: 1
      - name: max
        value: 5

@bruin */

SELECT p.line_id, p.line, p.late_percent, round(avg(f.stars), 2) AS stars, count(f.feedback_id) AS answers
FROM mart.punctuality AS p
LEFT JOIN raw.feedback AS f USING (line_id)
GROUP BY p.line_id, p.line, p.late_percent
