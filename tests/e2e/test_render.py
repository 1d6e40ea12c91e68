"""`fleet render`, as a person uses it."""

import json
from pathlib import Path

import duckdb
import pytest

from tests.support import sql_shop
from tests.support.cli import Cli

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command beside the pipeline `shop`."""
    folder = tmp_path_factory.mktemp("render")
    sql_shop.write(folder / "shop")
    return Cli(folder / "home", folder)


def test_the_whole_script_of_an_asset_is_printed_and_runs(cli: Cli) -> None:
    done = cli("render", "shop/assets/sales.sql", "--start-date", "2024-01-01", "--var", "least=0")
    assert done.returncode == 0, done.stderr
    assert "day >= '2024-01-01' and id > 0" in done.stdout
    assert "sum(cents / 100.0)" in done.stdout
    assert done.stdout.rstrip().endswith("select 0;")
    with duckdb.connect() as database:
        database.execute(cli("render", "shop/assets/orders.sql").stdout)
        first = cli("render", "shop/assets/sales.sql", "--full-refresh", "--var", "least=0").stdout
        database.execute(first)
        database.execute(done.stdout)
        assert database.execute("select total, many from mart.sales").fetchall() == [(2.5, 1)]


def test_the_query_alone_in_an_environment_with_a_prefix(cli: Cli) -> None:
    done = cli("render", "shop", "mart.sales", "--raw-query", "-e", "stage")
    assert done.stdout.startswith("-- what was sold\nselect day")
    assert "from st_raw.orders where" in done.stdout
    assert "insert" not in done.stdout.lower()


@pytest.mark.parametrize("flags", [("--json",), ("-o", "json")])
def test_programs_get_one_document(cli: Cli, flags: tuple[str, ...]) -> None:
    done = json.loads(cli("render", "shop/assets/sales.sql", *flags).stdout)
    (asset,) = done["assets"]
    assert asset["asset"] == "mart.sales"
    assert asset["path"] == "assets/sales.sql"
    assert "BEGIN" in asset["statements"]
    assert done["query"].count("select 3;") == 1


def test_a_pipeline_prints_each_of_its_sql_assets(cli: Cli) -> None:
    done = cli("render", "shop")
    assert "-- raw.orders (assets/orders.sql)\n" in done.stdout
    assert "-- mart.sales (assets/sales.sql)\n" in done.stdout
    assert "report" not in done.stdout


def test_what_has_no_sql_says_so(cli: Cli) -> None:
    done = cli("render", "shop/assets/report.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert "report is of type python: there is no SQL to render" in done.stderr


def test_a_broken_template_names_its_line(cli: Cli, tmp_path: Path) -> None:
    shop = sql_shop.write(tmp_path / "shop")
    (shop / "macros" / "money.sql").write_text("\n{% macro euros(x) %}{{ y }}{% endmacro %}")
    done = cli("render", str(shop / "assets" / "sales.sql"))
    assert done.returncode == 1
    assert "macros/money.sql:2" in done.stderr
    assert "'y' is undefined" in done.stderr
