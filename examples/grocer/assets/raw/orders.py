"""@bruin
name: raw.orders
description: Orders from the tills and the web shop, with pandas.
connection: grocer-db

materialization:
  type: table
  strategy: create+replace

columns:
  - name: order_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: store_id
    type: integer
    checks:
      - name: not_null
      - name: min
        value: 1
      - name: max
        value: 12
  - name: customer_id
    type: integer
    checks:
      - name: not_null
      - name: positive
  - name: ordered_at
    type: timestamp
    checks:
      - name: not_null
  - name: channel
    type: varchar
    checks:
      - name: not_null
      - name: accepted_values
        value: [web,till]
  - name: status
    type: varchar
    checks:
      - name: accepted_values
        value: [done,cancelled]

custom_checks:
  - name: forty orders a day
    value: 2400
    query: |
      SELECT count(*)
      FROM raw.orders
  - name: as many as the variable says
    value: 0
    query: SELECT count(*) - {{ var.days * 40 }} FROM raw.orders
@bruin"""

import datetime
import json
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # the pipeline's folder, for lib_grocer

import pandas
from lib_grocer.dice import roll

PER_DAY = 40
FIRST_DAY = datetime.date(2026, 1, 1)


def materialize() -> pandas.DataFrame:
    days = json.loads(os.environ["BRUIN_VARS"])["days"]
    numbers = range(days * PER_DAY)
    return pandas.DataFrame(
        {
            "order_id": [10_000 + n for n in numbers],
            "store_id": [1 + roll("store", n, sides=12) for n in numbers],
            "customer_id": [1 + roll("customer", n, sides=300) for n in numbers],
            "ordered_at": [at(n) for n in numbers],
            "channel": ["web" if roll("channel", n, sides=3) == 0 else "till" for n in numbers],
            "status": [
                "cancelled" if roll("status", n, sides=25) == 0 else "done" for n in numbers
            ],
        }
    )


def at(n: int) -> datetime.datetime:
    day = FIRST_DAY + datetime.timedelta(days=n // PER_DAY)
    opening = datetime.datetime.combine(day, datetime.time(8))
    return opening + datetime.timedelta(minutes=roll("minute", n, sides=12 * 60))
