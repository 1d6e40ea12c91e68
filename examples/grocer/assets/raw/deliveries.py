"""@bruin
name: raw.deliveries
description: Web orders on their way, as an Arrow table.
connection: grocer-db

materialization:
  type: table

columns:
  - name: delivery_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: order_id
    type: integer
    checks:
      - name: not_null
      - name: unique
  - name: promised_at
    type: timestamp
    checks:
      - name: not_null
  - name: delivered_at
    type: timestamp
    checks:
      - name: not_null

custom_checks:
  - name: only web orders are delivered
    query: |
      SELECT count(*)
      FROM raw.deliveries d JOIN raw.orders o USING (order_id)
      WHERE o.channel <> 'web' OR o.status <> 'done'
@bruin"""

import datetime
import json
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # the pipeline's folder, for lib_grocer

import pyarrow
from lib_grocer.dice import roll

PER_DAY = 40
START = datetime.datetime(2026, 1, 1, 14, tzinfo=datetime.UTC)


def materialize() -> pyarrow.Table:
    days = json.loads(os.environ["BRUIN_VARS"])["days"]
    orders = [n for n in range(days * PER_DAY) if roll("channel", n, sides=3) == 0]
    orders = [n for n in orders if roll("status", n, sides=25)]
    promised = [START + datetime.timedelta(days=1 + n // PER_DAY) for n in orders]
    late = [datetime.timedelta(minutes=roll("late", n, sides=100) - 60) for n in orders]
    return pyarrow.table(
        {
            "delivery_id": [900_000 + n for n in orders],
            "order_id": [10_000 + n for n in orders],
            "promised_at": promised,
            "delivered_at": [p + m for p, m in zip(promised, late, strict=True)],
        }
    )
