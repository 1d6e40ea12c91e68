"""@bruin
name: staging.order_values
description: Order lines with their value in euros.

depends:
  - sales.orders
  - catalogue.products
  - catalogue.exchange_rates

materialization:
  type: table
  strategy: create+replace

columns:
  - name: order_id
    type: varchar
    checks:
      - name: unique
  - name: value_eur
    type: double
    checks:
      - name: not_null
      - name: positive

custom_checks:
  - name: no order line is lost
    query: |
      select (select count(*) from sales.orders) - (select count(*) from staging.order_values)
@bruin"""

import json
import os

import duckdb
import polars as pl


def materialize():
    path = json.loads(os.environ["shop-db"])["path"]
    with duckdb.connect(path, read_only=True) as db:
        orders = db.sql("from sales.orders").pl().lazy()
        products = (
            db.sql("select product_id, category, price_eur from catalogue.products").pl().lazy()
        )
        rates = db.sql(
            "select currency, avg(rate) as rate from catalogue.exchange_rates group by 1"
        )
        rates = rates.pl().lazy()
    return (
        orders.join(products, on="product_id", how="left")
        .join(rates, on="currency", how="left")
        .with_columns((pl.col("quantity") * pl.col("price_eur")).round(2).alias("value_eur"))
        .with_columns((pl.col("value_eur") / pl.col("rate")).round(2).alias("value_charged"))
        .select(
            "order_id",
            "ordered_on",
            "customer_id",
            "product_id",
            "category",
            "quantity",
            "currency",
            "value_eur",
            "value_charged",
        )
    )
