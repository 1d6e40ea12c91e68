"""@bruin
name: catalogue.products
description: What the shop sells.

materialization:
  type: table
  strategy: create+replace

columns:
  - name: product_id
    type: integer
    primary_key: true
    checks:
      - name: unique
      - name: not_null
  - name: category
    type: varchar
    checks:
      - name: accepted_values
        value: [beans, ground, brewer, cup]
  - name: price_eur
    type: double
    checks:
      - name: positive
      - name: max
        value: 300
@bruin"""

import random

CATEGORIES = {"beans": (9, 24), "ground": (8, 19), "brewer": (35, 280), "cup": (6, 28)}
ORIGINS = ["Huila", "Sidamo", "Antigua", "Kirinyaga", "Tarrazu", "Gayo", "Cajamarca", "Nyamasheke"]


def materialize():
    dice = random.Random(7)
    rows = []
    for product_id in range(1, 41):
        category = list(CATEGORIES)[product_id % len(CATEGORIES)]
        low, high = CATEGORIES[category]
        row = {
            "product_id": product_id,
            "name": f"{dice.choice(ORIGINS)} {category} {product_id:02}",
            "category": category,
            "price_eur": round(dice.uniform(low, high), 2),
        }
        if category in ("beans", "ground"):
            row["grams"] = dice.choice([250, 500, 1000])  # brewers and cups have none
        rows.append(row)
    return rows
