/* @bruin

name: core.fill_fares
type: pg.sql
description: Fares, written by a script of several statements.

depends:
  - core.fares

custom_checks:
  - name: three fares
    value: 3
    query: SELECT count(*) FROM core.fares

@bruin */

CREATE TEMPORARY TABLE new_fares (zone varchar, euros numeric(6, 2));
INSERT INTO new_fares VALUES ('A', 1.50), ('B', 2.10), ('C', 2.70);

INSERT INTO core.fares (zone, euros)
SELECT zone, euros FROM new_fares
ON CONFLICT (zone) DO UPDATE SET euros = excluded.euros;

DROP TABLE new_fares;
