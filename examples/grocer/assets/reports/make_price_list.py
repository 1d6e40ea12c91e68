import csv
import json
import sys
from pathlib import Path

import duckdb

database = json.loads(sys.argv[1])["path"]
with duckdb.connect(database, read_only=True) as connection:
    prices = connection.sql(
        "SELECT product_id, product, unit_price FROM core.dim_product ORDER BY 1"
    )
    rows = prices.fetchall()
with Path(sys.argv[2], "prices.csv").open("w", newline="", encoding="utf-8") as file:
    csv.writer(file).writerows([("product_id", "product", "unit_price"), *rows])
print(f"{len(rows)} prices")
