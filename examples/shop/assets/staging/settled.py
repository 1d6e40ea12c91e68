"""@bruin
name: staging.settled
description: Orders whose money arrived.

depends:
  - sales.payments
  - staging.order_values

materialization:
  type: table
  strategy: create+replace

columns:
  - name: order_id
    type: varchar
    checks:
      - name: unique
  - name: net_eur
    type: double
    checks:
      - name: positive
@bruin"""

import json
import os

import duckdb


def materialize():
    with duckdb.connect(json.loads(os.environ["shop-db"])["path"], read_only=True) as db:
        return db.sql(
            """
            select v.order_id, v.ordered_on, v.customer_id, v.product_id, v.category,
                   v.value_eur, p.fee_eur, round(v.value_eur - p.fee_eur, 2) as net_eur
            from staging.order_values v join sales.payments p using (order_id)
            where p.state = 'paid'
            """
        ).pl()
