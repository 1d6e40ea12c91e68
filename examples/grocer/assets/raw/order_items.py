"""@bruin
name: raw.order_items
description: Lines of the orders, page by page.
connection: grocer-db

materialization:
  type: table
  strategy: create+replace

depends:
  - raw.orders

columns:
  - name: order_id
    type: integer
    primary_key: true
    checks:
      - name: not_null
  - name: line
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: positive
      - name: max
        value: 5
  - name: product_id
    type: integer
    checks:
      - name: not_null
      - name: min
        value: 1
      - name: max
        value: 120
  - name: quantity
    type: integer
    checks:
      - name: positive
      - name: max
        value: 6

custom_checks:
  - name: every order has lines
    query: |
      SELECT count(*)
      FROM raw.orders o
      WHERE NOT EXISTS (SELECT 1 FROM raw.order_items i WHERE i.order_id = o.order_id)
  - name: no product twice in an order
    query: |
      SELECT count(*) FROM (
        SELECT order_id, product_id FROM raw.order_items GROUP BY ALL HAVING count(*) > 1
      )
@bruin"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # the pipeline's folder, for lib_grocer

from lib_grocer.dice import roll

PER_DAY = 40
PAGE = 500


def materialize() -> Iterator[list[dict]]:
    days = json.loads(os.environ["BRUIN_VARS"])["days"]
    page: list[dict] = []
    for order in range(days * PER_DAY):
        page += [line(order, number) for number in range(1 + roll("lines", order, sides=5))]
        if len(page) >= PAGE:
            yield page
            page = []
    yield page


def line(order: int, number: int) -> dict:
    return {
        "order_id": 10_000 + order,
        "line": number + 1,
        "product_id": 1 + (roll("product", order, sides=120) + 17 * number) % 120,
        "quantity": 1 + roll("quantity", order, number, sides=6),
    }
