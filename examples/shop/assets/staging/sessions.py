"""@bruin
name: staging.sessions
description: Events of a visitor without a break of half an hour are one session.

depends:
  - web.events

materialization:
  type: table
  strategy: create+replace

columns:
  - name: session_id
    type: bigint
    checks:
      - name: unique
  - name: events
    type: integer
    checks:
      - name: positive
@bruin"""

import json
import os

import duckdb

SESSIONS = """
    with marked as (
        select *, "at" - lag("at") over (partition by visitor_id order by "at") > interval 30 minute as late
        from web.events
    ), numbered as (
        select *, sum(case when late is null or late then 1 else 0 end)
            over (partition by visitor_id order by "at") as number
        from marked
    )
    select
        row_number() over (order by visitor_id, number) as session_id,
        visitor_id, min("at") as started_at, max("at") as ended_at, count(*)::int as events,
        bool_or(kind = 'basket') as basket, bool_or(kind = 'buy') as bought
    from numbered group by visitor_id, number
"""


def materialize():
    with duckdb.connect(json.loads(os.environ["shop-db"])["path"], read_only=True) as db:
        return db.sql(SESSIONS).to_arrow_table()
