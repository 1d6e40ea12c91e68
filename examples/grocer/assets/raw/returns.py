"""@bruin
name: raw.returns
description: Goods that came back.
connection: grocer-db

materialization:
  type: table

columns:
  - name: return_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: order_id
    type: integer
    checks:
      - name: not_null
  - name: line
    type: integer
    checks:
      - name: not_null
      - name: positive
  - name: reason
    type: varchar
    checks:
      - name: not_null
      - name: accepted_values
        value: [damaged, wrong item, changed mind]
@bruin"""

import json
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # the pipeline's folder, for lib_grocer

import pandas
from lib_grocer.dice import roll

PER_DAY = 40
REASONS = ("damaged", "wrong item", "changed mind")


def materialize() -> pandas.DataFrame:
    days = json.loads(os.environ["BRUIN_VARS"])["days"]
    orders = [n for n in range(days * PER_DAY) if roll("status", n, sides=25)]
    back = [n for n in orders if roll("return", n, sides=20) == 0]
    return pandas.DataFrame(
        {
            "return_id": [70_000 + n for n in back],
            "order_id": [10_000 + n for n in back],
            "line": 1,
            "reason": [REASONS[roll("reason", n, sides=3)] for n in back],
        }
    )
