"""The examples, as the README says to run them."""

import json
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
from uv import find_uv_bin

from tests.support.cli import FLEET, Cli
from tests.support.postgres import PostgresServer
from tests.support.project import ROOT, Project, example, home

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]  # the first test waits for all runs

DATES = ("--start-date", "2026-03-01", "--end-date", "2026-03-04", "--var", "days=4")


@pytest.fixture(scope="module")
def shop(shared: Cli, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The shop of a clone, run twice over the same days: embedded, and on a fleet that is up."""
    clone = tmp_path_factory.mktemp("clone")
    subprocess.run(["git", "init", "-q", str(clone)], check=True)
    project = example("shop", clone / "examples")
    (project.folder / ".git").rmdir()
    own = home(clone.parent / "home")
    (shared.home / "envs").mkdir(exist_ok=True)
    (own / "envs").symlink_to(shared.home / "envs")  # what one fleet built serves the other
    fleets = [(own, "embedded fleet"), (shared.home, "fleet of `fleet up`")]
    for number, (where, words) in enumerate(fleets, 1):
        done = Cli(where, clone)("run", "examples/shop", *DATES, timeout=240)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr
        assert words in done.stdout.splitlines()[0]
        assert "15 succeeded · 50 of 50 checks passed" in done.stdout.splitlines()[-1]
        shutil.copy(project.folder / "shop.duckdb", project.folder / f"round{number}.duckdb")
    return project


@pytest.mark.parametrize(
    ("table", "count"),
    [
        ("sales.orders", 180 * 4),  # delete+insert; Sunday to Wednesday
        ("sales.payments", 180 * 4),  # merge
        ("catalogue.exchange_rates", 3 * 4),  # merge on two columns
        ("mart.revenue_daily", 4),  # merge
        ("sales.customers", 1_000),  # create+replace
        ("web.events", 60_000),
    ],
)
def test_a_second_run_replaces_and_merges(shop: Project, table: str, count: int) -> None:
    query = f"select count(*) from {table}"
    assert shop.rows(query, "round1.duckdb") == shop.rows(query) == [(count,)]


def test_the_values_are_the_same_after_the_second_run(shop: Project) -> None:
    """Not only as many rows: the same ones, with the types that the columns declare."""
    for table in ("sales.orders", "sales.payments", "mart.revenue_daily", "mart.customers"):
        query = f"select * exclude (_ingestr_loaded_at) from {table} order by all"
        assert shop.rows(query, "round1.duckdb") == shop.rows(query)
    types = dict(shop.rows("select column_name, column_type from (describe sales.orders)"))
    assert types["ordered_on"] == "DATE"
    assert types["quantity"] in ("INTEGER", "BIGINT")


def test_the_journal_has_a_row_for_each_run(shop: Project) -> None:
    query = "select count(*), count(distinct run_id) from ops.run_journal"
    assert shop.rows(query, "round1.duckdb") == [(1, 1)]
    assert shop.rows(query)[0][0] == 2


def test_the_secret_was_used_and_is_not_in_the_table(shop: Project) -> None:
    hashes = shop.rows(
        "select count(distinct email_hash), min(length(email_hash)) from sales.customers"
    )
    assert hashes == [(1_000, 64)]
    columns = [row[0] for row in shop.rows("select column_name from (describe sales.customers)")]
    assert "email" not in columns


def test_money_adds_up_over_the_tables(shop: Project) -> None:
    """Computed here once more, from the tables at the start of the chain."""
    again = """
        select round(sum(round(o.quantity * p.price_eur, 2) - y.fee_eur), 2)
        from sales.orders o join catalogue.products p using (product_id)
        join sales.payments y using (order_id) where y.state = 'paid'
    """
    total = shop.rows("select round(sum(net_eur), 2) from mart.revenue_daily")[0][0]
    assert abs(shop.rows(again)[0][0] - total) < 0.1


def test_one_pipeline_on_several_pythons(up: Cli) -> None:
    pythons = subprocess.run(
        [find_uv_bin(), "python", "list", "--only-installed", "--output-format", "json"],
        capture_output=True,
        check=True,
    )
    found = {".".join(one["version"].split(".")[:2]) for one in json.loads(pythons.stdout)}
    found |= {".".join(one["version"].split(".")[:2]) for one in _of_worker(up)}
    if missing := {"3.10", "3.12", "3.13"} - found:
        pytest.skip(f"no Python {', '.join(sorted(missing))} on this machine")
    project = example("pythons", up.cwd)
    done = up("run", "pythons", timeout=240)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert "this is Python 3.13" in done.stdout
    query = "select python from old.measured union all from (select python from new.measured)"
    assert sorted(project.rows(query)) == [("3.10",), ("3.12",)]


def _of_worker(cli: Cli) -> list[dict[str, str]]:
    """The interpreters that the worker itself found."""
    shown = json.loads(cli("workers", "--json").stdout)["workers"]
    return [{"version": version} for one in shown for version in one["info"]["pythons"]]


@pytest.mark.postgres
def test_the_warehouse_on_a_real_postgresql(up: Cli, postgres_server: PostgresServer) -> None:
    """Its values come from variables of this shell, which the fleet's worker does not have."""
    database = postgres_server.create_database()
    example("warehouse", up.cwd)
    place = {
        "WAREHOUSE_HOST": postgres_server.host,
        "WAREHOUSE_PORT": str(postgres_server.port),
        "WAREHOUSE_USER": postgres_server.user,
        "WAREHOUSE_PASSWORD": postgres_server.password,
        "WAREHOUSE_DB": database,
    }
    cli = Cli(up.home, up.cwd, place)
    for _ in range(2):
        done = cli("run", "warehouse", "--start-date", "2026-03-01", timeout=240)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    with psycopg.connect(postgres_server.url(database)) as link:
        counts = {
            table: link.execute(f"select count(*) from {table}").fetchone()
            for table in ("raw.stations", "raw.readings", "mart.daily", "mart.journal")
        }
        heights = link.execute("select min(height), max(height) from raw.stations").fetchone()
    assert counts == {
        "raw.stations": (12,),
        "raw.readings": (12 * 24,),
        "mart.daily": (12,),
        "mart.journal": (2,),
    }
    assert [float(height) for height in heights or ()] == [68.5, 822.0]


def test_the_command_of_the_readme_is_the_one_that_is_tested() -> None:
    """The two commands are copied by strangers: they must not drift from these tests."""
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "uv run fleet run examples/shop" in readme
    assert Path(FLEET).name == "fleet"
