"""A whole pipeline on MariaDB: a seed, Python, SQL, a load between databases, sensors, checks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import mariadb
from tests.support.cli import Cli
from tests.support.project import home
from tests.support.tables import PASSWORD
from workers.connections import load
from workers.engines import opened

pytestmark = pytest.mark.e2e

FILES = {
    "pipeline.yml": "name: shop\ndefault_connections: {mysql: db}\n",
    "assets/people.csv": "id,name\n1,Ada\n2,Bob\n",
    "assets/people.asset.yml": """
name: shop.people
type: my.seed
parameters: {path: ./people.csv}
columns:
  - {name: id, type: integer, checks: [{name: not_null}, {name: unique}]}
  - {name: name, type: varchar, checks: [{name: pattern, value: '^[A-Z][a-z]+$'}]}
""",
    "assets/orders.py": '''"""@bruin
name: shop.orders
type: python
connection: db
materialization: {type: table, strategy: merge}
columns:
  - {name: id, type: integer, primary_key: true}
  - name: person
    type: integer
    checks: [{name: relationships}]
    foreign_key: {table: shop.people, column: id}
  - {name: paid, type: boolean, checks: [{name: accepted_values, value: [true]}]}
depends: [shop.people]
@bruin"""


def materialize():
    return [{"id": n, "person": n % 2 + 1, "paid": True} for n in range(5)]
''',
    "assets/waits.asset.yml": """
name: waits
type: my.sensor.table
parameters: {table: shop.orders}
depends: [shop.orders]
""",
    "assets/totals.sql": """/* @bruin
name: shop.totals
type: my.sql
materialization: {type: table}
depends: [waits, shop.orders, shop.people]
custom_checks:
  - {name: all of them, query: "select sum(n) from shop.totals", value: 5}
@bruin */
SELECT p.name, COUNT(*) AS n
FROM shop.orders o JOIN shop.people p ON p.id = o.person GROUP BY p.name
""",
    "assets/copy.asset.yml": """
name: copied.totals
type: ingestr
parameters:
  {source_connection: db, source_table: shop.totals, destination: mysql, destination_connection: db}
depends: [shop.totals]
""",
}


@pytest.fixture(scope="module")
def server() -> Iterator[mariadb.Server]:
    """One MariaDB for this module."""
    with mariadb.running() as running:
        yield running


def test_a_pipeline_runs_on_mysql(server: mariadb.Server, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    server.target(tmp_path)
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    (folder / ".git").mkdir()
    server.execute("CREATE DATABASE shop")
    (folder / ".bruin.yml").write_text(
        f"environments: {{default: {{connections: {{mysql: [{{name: db, host: {server.host}, "
        f"port: {server.port}, username: {mariadb.USER}, password: '{PASSWORD}', "
        f"database: shop}}]}}}}}}\n",
        "utf-8",
    )
    done = Cli(home(tmp_path / "home"), folder)("run", ".")
    assert done.returncode == 0, done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    connection = load(folder / ".bruin.yml", "", {}).get("db")
    with opened(connection) as database:
        for table in ("shop.totals", "copied.totals"):
            found = database.rows(f"SELECT name, n FROM {table} ORDER BY name")[0]
            assert [tuple(row) for row in found] == [("Ada", 3), ("Bob", 2)]
