"""@bruin
name: raw.payments
description: How orders were paid, as a list of dicts in which only card payments have a fee.
connection: grocer-db

materialization:
  type: table
  strategy: merge

columns:
  - name: payment_id
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
  - name: method
    type: varchar
    checks:
      - name: not_null
      - name: accepted_values
        value: [card,cash,wallet]
  - name: fee_cents
    type: integer
    checks:
      - name: non_negative
      - name: max
        value: 40

custom_checks:
  - name: only cards cost a fee
    query: SELECT count(*) FROM raw.payments WHERE method <> 'card' AND fee_cents IS NOT NULL
@bruin"""

import json
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # the pipeline's folder, for lib_grocer

from lib_grocer.dice import roll

PER_DAY = 40
METHODS = ("card", "cash", "wallet", "card")


def materialize() -> list[dict]:
    days = json.loads(os.environ["BRUIN_VARS"])["days"]
    return [payment(order) for order in range(days * PER_DAY) if roll("status", order, sides=25)]


def payment(order: int) -> dict:
    method = METHODS[roll("method", order, sides=len(METHODS))]
    paid = {"payment_id": 500_000 + order, "order_id": 10_000 + order, "method": method}
    return paid | {"fee_cents": 12 + roll("fee", order, sides=20)} if method == "card" else paid
