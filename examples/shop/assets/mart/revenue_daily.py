"""@bruin
name: mart.revenue_daily
description: One row per day; a later run corrects the days that it covers.

depends:
  - staging.settled

materialization:
  type: table
  strategy: merge

columns:
  - name: day
    type: date
    primary_key: true
    checks:
      - name: unique
      - name: not_null
  - name: net_eur
    type: double
    checks:
      - name: non_negative

custom_checks:
  - name: days add up to what was settled
    query: |
      select round(abs((select sum(net_eur) from mart.revenue_daily d
                        where d.day in (select distinct ordered_on from staging.settled))
                     - (select sum(net_eur) from staging.settled)) * 100)::int
@bruin"""

from bruin import query


def materialize():
    settled = query("select ordered_on as day, order_id, value_eur, net_eur from staging.settled")
    daily = settled.groupby("day", as_index=False).agg(
        orders=("order_id", "count"), value_eur=("value_eur", "sum"), net_eur=("net_eur", "sum")
    )
    return daily.round({"value_eur": 2, "net_eur": 2})
