"""`fleet lineage`, as a person uses it."""

import json

import pytest

from tests.support import sql_shop
from tests.support.cli import Cli

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command beside the pipeline `shop`."""
    folder = tmp_path_factory.mktemp("lineage")
    sql_shop.write(folder / "shop")
    return Cli(folder / "home", folder, {"PYTHONUTF8": "1"})


def test_the_next_assets_of_both_directions_and_the_columns(cli: Cli) -> None:
    done = cli("lineage", "shop/assets/sales.sql", "--columns")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "mart.sales · duckdb.sql · assets/sales.sql\n"
        "\nupstream\n└─ raw.orders  duckdb.sql\n"
        "\ndownstream\n└─ report  python  uses total\n"
        "\ncolumns\nday    date  raw.orders.day\ntotal        raw.orders.cents\nmany         -\n"
    )


def test_all_levels_of_one_direction(cli: Cli) -> None:
    done = cli("lineage", "shop", "report", "--full", "--upstream")
    assert done.stdout.splitlines()[2:] == [
        "upstream",
        "├─ mart.sales     duckdb.sql  uses total",
        "│  └─ raw.orders  duckdb.sql",
        "└─ other/table                of another pipeline",
    ]
    down = cli("lineage", "shop", "raw.orders", "--full", "--downstream").stdout
    assert "upstream" not in down
    assert down.index("mart.sales") < down.index("report")


def test_programs_get_one_document(cli: Cli) -> None:
    done = json.loads(cli("lineage", "shop", "report", "--full", "--columns", "--json").stdout)
    assert done["asset"] == {"name": "report", "type": "python", "path": "assets/report.py"}
    assert [(one["name"], one["kind"], one["distance"]) for one in done["upstreams"]] == [
        ("mart.sales", "declared", 1),
        ("other/table", "uri", 1),
        ("raw.orders", "declared", 2),
    ]
    assert done["downstreams"] == []
    assert done["columns"][0]["upstreams"] == [{"table": "mart.sales", "column": "total"}]


def test_an_unknown_asset_names_the_nearest(cli: Cli) -> None:
    done = cli("lineage", "shop", "mart.sale")
    assert done.returncode == 1
    assert done.stderr == (
        "pipeline error selection  no asset 'mart.sale'\n      did you mean 'mart.sales'?\n"
    )
    several = cli("lineage", "shop")
    assert "takes one asset" in several.stderr
