"""@bruin
name: mart.funnel
description: From visit to purchase, without those who left at once.

depends:
  - staging.sessions

materialization:
  type: table
  strategy: create+replace

columns:
  - name: stage
    type: varchar
    checks:
      - name: unique
      - name: accepted_values
        value: [visit, basket, purchase]
  - name: sessions
    type: bigint
    checks:
      - name: non_negative
@bruin"""

from bruin import context, query


def materialize():
    seconds = int(context.vars["bounce_seconds"])
    counts = query(
        f"""
        select count(*) as visit, count(*) filter (where basket) as basket,
               count(*) filter (where bought) as purchase
        from staging.sessions
        where ended_at - started_at >= interval {seconds} second or events = 1
        """
    ).iloc[0]
    return [{"stage": stage, "sessions": int(counts[stage])} for stage in counts.index]
