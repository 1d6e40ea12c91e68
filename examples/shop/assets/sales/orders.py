"""@bruin
name: sales.orders
description: Order lines of the days that the run covers; each run replaces its own days only.

depends:
  - catalogue.products
  - sales.customers

materialization:
  type: table
  strategy: delete+insert
  incremental_key: ordered_on

columns:
  - name: order_id
    type: varchar
    checks:
      - name: not_null
      - name: unique
  - name: ordered_on
    type: date
    checks:
      - name: not_null
  - name: quantity
    type: integer
    checks:
      - name: positive
      - name: max
        value: 6
  - name: currency
    type: varchar
    checks:
      - name: accepted_values
        value: [EUR, GBP, USD]
@bruin"""

import os

import polars as pl


def orders_of(day):
    """The same day always gives the same orders."""
    number = 180 + 40 * (day.weekday() in (4, 5))
    line = pl.int_range(0, number, eager=True)
    seed = day.toordinal()
    return pl.DataFrame(
        {
            "order_id": [f"{day:%Y%m%d}-{n:04}" for n in range(number)],
            "ordered_on": [day] * number,
            "customer_id": line.hash(seed) % 1_000 + 1,
            "product_id": line.hash(seed + 1) % 40 + 1,
            "quantity": line.hash(seed + 2) % 6 + 1,
            "currency": (line.hash(seed + 3) % 5).cast(pl.Int64),
        }
    ).with_columns(
        pl.col("customer_id", "product_id", "quantity").cast(pl.Int64),
        pl.when(pl.col("currency") < 3)
        .then(pl.lit("EUR"))
        .when(pl.col("currency") == 3)
        .then(pl.lit("GBP"))
        .otherwise(pl.lit("USD"))
        .alias("currency"),
    )


def materialize():
    days = pl.date_range(
        pl.lit(os.environ["BRUIN_START_DATE"]).str.to_date(),
        pl.lit(os.environ["BRUIN_END_DATE"]).str.to_date(),
        eager=False,
    )
    return pl.concat([orders_of(day) for day in pl.select(days).to_series()])
