"""The real bruin-sdk from the package index, unmodified, inside an asset."""

from pathlib import Path

import duckdb
import pytest

from assets_parser.spec import Requirements, Secret
from tests.support.attempt import Bench, bench, shared_cache

CONFIG = """\
default_environment: default
environments:
  default:
    connections:
      duckdb:
        - {name: warehouse, path: data/warehouse.duckdb}
      sqlite:
        - {name: files, path: data/files.sqlite}
      generic:
        - {name: api, value: hunter2-hunter2}
"""
ENVIRONMENT = {
    "BRUIN_START_DATE": "2024-01-15",
    "BRUIN_START_TIMESTAMP": "2024-01-15T00:00:00.000000Z",
    "BRUIN_FULL_REFRESH": "1",
    "BRUIN_PIPELINE": "shop",
    "BRUIN_ASSET": "main.orders",
    "BRUIN_CONNECTION": "warehouse",
    "BRUIN_VARS": '{"limit": 3}',
    "BRUIN_VARS_SCHEMA": '{"limit": {"type": "integer"}}',
}
SECRETS = tuple(
    Secret(key=key, inject_as=name)
    for key, name in (("warehouse", "warehouse"), ("files", "FILES"), ("api", "api"))
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A project whose assets may use the SDK."""
    found = bench(tmp_path_factory.mktemp("sdk"), shared_cache())
    found.write("requirements.txt", "bruin-sdk\nduckdb==1.5.6\n")
    found.write(".bruin.yml", CONFIG)
    (found.project / "data").mkdir()
    return found


def run(place: Bench, code: str, step: str = "script") -> list[str]:
    """What an asset with this code prints."""
    place.log.lines.clear()
    place.run(
        "assets/orders.py",
        code,
        step=step,
        config=place.project / ".bruin.yml",
        secrets=SECRETS,
        connection="warehouse",
        environment=ENVIRONMENT,
        requirements=Requirements(kind="requirements", path="requirements.txt"),
    )
    return place.log.own


def test_the_context_holds_the_runs_values(place: Bench) -> None:
    """Dates, flags, names and typed variables."""
    code = (
        "from bruin import context as c\n"
        "print('OUT', c.start_date, c.is_full_refresh, c.pipeline, c.asset_name, c.vars['limit'])"
    )
    assert run(place, code) == ["OUT 2024-01-15 True shop main.orders 3"]


def test_queries_reach_duckdb_and_sqlite(place: Bench) -> None:
    """The asset's own connection by default, others by name; results are DataFrames."""
    code = (
        "from bruin import query, get_connection\n"
        "query('create table t as select 41 + 1 as n')\n"
        "print('OUT', query('select n from t').n[0], get_connection('warehouse').type)\n"
        "with get_connection('FILES') as files:\n"
        "    files.query('create table s (n integer)')\n"
        "    files.query('insert into s values (7)')\n"
        "    print('OUT', files.query('select n from s').n[0], files.type)\n"
        "print('OUT', get_connection('api').raw == 'hunter2' + '-hunter2')\n"
    )
    assert run(place, code) == ["OUT 42 duckdb", "OUT 7 sqlite", "OUT True"]
    path = Path(place.project / "data" / "warehouse.duckdb")
    with duckdb.connect(str(path), read_only=True) as database:
        assert database.execute("select n from t").fetchall() == [(42,)]


def test_a_query_is_a_return_value(place: Bench) -> None:
    """materialize() may return what the SDK gives."""
    code = (
        "from bruin import query\n"
        "def materialize():\n    return query('select 1 as id, current_date as d')\n"
    )
    run(place, code, step="materialize")
    assert list(place.settings.storage_path.rglob("*.arrow"))
