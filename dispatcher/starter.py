"""The files of a small project: two sources, a table of both, a script. Used by `fleet init`."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

_PIPELINE = """\
name: NAME
schedule: daily
start_date: "2024-01-01"

default_connections:
  duckdb: db

variables:
  orders:
    type: integer
    description: How many orders raw.orders makes up.
    default: 500
"""

_BRUIN = """\
default_environment: default
environments:
  default:
    connections:
      duckdb:
        - name: db
          path: NAME.duckdb
"""

_CUSTOMERS = '''\
"""@bruin
name: raw.customers
type: python
connection: db
materialization:
  type: table
  strategy: create+replace
columns:
  - name: id
    type: integer
    primary_key: true
    checks:
      - name: not_null
      - name: unique
  - name: country
    type: varchar
    checks:
      - name: accepted_values
        value: [de, fr, pl]
@bruin"""


def materialize():
    countries = ["de", "fr", "pl"]
    return [{"id": n, "name": f"customer {n}", "country": countries[n % 3]} for n in range(1, 51)]
'''

_ORDERS = '''\
"""@bruin
name: raw.orders
type: python
connection: db
materialization:
  type: table
  strategy: create+replace
columns:
  - name: order_id
    type: integer
    primary_key: true
    checks:
      - name: unique
  - name: amount
    type: double
    checks:
      - name: positive
@bruin"""

import json
import os
import random


def materialize():
    """Rows may come one by one: they are written as they come."""
    count = json.loads(os.environ["BRUIN_VARS"])["orders"]
    dice = random.Random(7)
    for order_id in range(1, count + 1):
        amount = round(dice.uniform(5, 250), 2)
        yield {"order_id": order_id, "customer_id": dice.randint(1, 50), "amount": amount}
'''

_REVENUE = '''\
"""@bruin
name: mart.revenue
type: python
connection: db
depends:
  - raw.customers
  - raw.orders
materialization:
  type: table
  strategy: create+replace
secrets:
  - key: db
columns:
  - name: country
    type: varchar
    checks:
      - name: unique
custom_checks:
  - name: no order is lost
    query: select (select sum(orders) from mart.revenue) - (select count(*) from raw.orders)
    value: 0
@bruin"""

import json
import os

import duckdb

QUERY = """
select country, count(*) as orders, round(sum(amount), 2) as revenue
from raw.orders join raw.customers on customer_id = id
group by country order by country
"""


def materialize():
    path = json.loads(os.environ["db"])["path"]
    with duckdb.connect(path, read_only=True) as connection:
        return connection.execute(QUERY).to_arrow_table()
'''

_HELLO = '''\
"""@bruin
name: ops.hello
type: python
depends:
  - mart.revenue
@bruin"""

import os

print(f"{os.environ['BRUIN_PIPELINE']} is fresh up to {os.environ['BRUIN_END_DATE']}")
'''

_README = """\
# NAME

    fleet run .                                 # run everything
    fleet run . --var orders=2000               # with another variable
    fleet run . raw.orders --downstream         # one asset and what depends on it
    fleet plan . && fleet runs

Assets are the Python files below `assets/`. Those with a `materialization` return their rows from
`materialize()`: a list or generator of dicts, a pandas or polars frame, an Arrow table. They are
in `NAME.duckdb`.
"""

FILES: Mapping[str, str] = {
    "pipeline.yml": _PIPELINE,
    ".bruin.yml": _BRUIN,
    "assets/raw/customers.py": _CUSTOMERS,
    "assets/raw/orders.py": _ORDERS,
    "assets/mart/revenue.py": _REVENUE,
    "assets/mart/requirements.txt": "duckdb>=1.4,<2\n",
    "assets/ops/hello.py": _HELLO,
    "README.md": _README,
    ".gitignore": "*.duckdb\n*.duckdb.wal\n__pycache__/\n.bruin.yml\n",
}


def write(folder: Path, *, repository: bool) -> Iterator[Path]:
    """Write the project's files; gives each path that now exists. `.bruin.yml` is 0600."""
    name = re.sub(r"[^a-z0-9_]+", "_", folder.resolve().name.lower()).strip("_") or "pipeline"
    for relative, text in FILES.items():
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = 0o600 if relative == ".bruin.yml" else 0o644
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text.replace("NAME", name))
        yield path
    if repository and not _in_repository(folder) and shutil.which("git"):
        subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
        yield folder / ".git"


def _in_repository(folder: Path) -> bool:
    inside = folder.resolve()
    return any((above / ".git").exists() for above in (inside, *inside.parents))
