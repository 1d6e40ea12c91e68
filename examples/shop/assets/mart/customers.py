"""@bruin
name: mart.customers
description: What every customer is worth.

depends:
  - sales.customers
  - staging.settled

materialization:
  type: table
  strategy: create+replace

columns:
  - name: customer_id
    type: integer
    primary_key: true
    checks:
      - name: unique
  - name: lifetime_eur
    type: double
    checks:
      - name: non_negative
  - name: tier
    type: varchar
    checks:
      - name: accepted_values
        value: [new, regular, gold]

custom_checks:
  - name: somebody is gold
    description: Good to know, and no reason to stop.
    blocking: false
    query: select count(*) > 0 from mart.customers where tier = 'gold'
    value: 1
@bruin"""

import pandas as pd
from bruin import query


def materialize():
    people = query("select customer_id, country, signed_up from sales.customers")
    spent = query(
        "select customer_id, count(*) as orders, sum(net_eur) as lifetime_eur "
        "from staging.settled group by 1"
    )
    people = people.merge(spent, on="customer_id", how="left").fillna(
        {"orders": 0, "lifetime_eur": 0.0}
    )
    people["orders"] = people["orders"].astype("int64")
    people["lifetime_eur"] = people["lifetime_eur"].round(2)
    rank = people["lifetime_eur"].rank(pct=True)
    people["tier"] = pd.cut(rank, [0, 0.5, 0.95, 1], labels=["new", "regular", "gold"]).astype(str)
    return people
