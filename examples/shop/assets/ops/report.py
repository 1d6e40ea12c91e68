"""@bruin
name: ops.report
description: Prints the week for whoever reads the log.

secrets:
  - key: shop-db
    inject_as: SHOP

depends:
  - mart.revenue_daily
  - mart.customers
  - mart.products
  - mart.funnel
@bruin"""

import json
import os

import duckdb

with duckdb.connect(json.loads(os.environ["SHOP"])["path"], read_only=True) as db:
    total, days = db.sql("select sum(net_eur), count(*) from mart.revenue_daily").fetchone()
    print(f"{days} days, {total:,.2f} euros net")
    print("best products:")
    best = "select name, orders, net_eur from mart.products order by net_eur desc limit 3"
    for name, orders, net in db.sql(best).fetchall():
        print(f"  {name:24} {orders:6,} orders {net:12,.2f}")
