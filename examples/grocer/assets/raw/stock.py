"""@bruin
name: raw.stock
description: What lies in each shop at the end of a week.
connection: grocer-db

materialization:
  type: table

columns:
  - name: counted_on
    type: date
    primary_key: true
    checks:
      - name: not_null
  - name: store_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: min
        value: 1
      - name: max
        value: 12
  - name: product_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
  - name: pieces
    type: integer
    checks:
      - name: non_negative
      - name: max
        value: 80
@bruin"""

import datetime
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # the pipeline's folder, for lib_grocer

from lib_grocer.dice import roll

FIRST_SUNDAY = datetime.date(2026, 1, 4)


def materialize() -> Iterator[dict]:
    weeks = json.loads(os.environ["BRUIN_VARS"])["days"] // 7
    for week in range(weeks):
        counted_on = FIRST_SUNDAY + datetime.timedelta(weeks=week)
        for store in range(1, 13):
            for product in range(1, 121, 3):
                pieces = roll("stock", week, store, product, sides=80)
                yield {
                    "counted_on": counted_on,
                    "store_id": store,
                    "product_id": product,
                    "pieces": pieces,
                }
