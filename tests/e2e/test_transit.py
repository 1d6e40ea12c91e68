"""Transit: SQLite, PostgreSQL and DuckDB in one pipeline, with every strategy, day after day.

What must be in the tables is computed here by plain Python, without any of the pipeline's SQL.
"""

import datetime
import subprocess
import zlib
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from tests.support.cli import Cli
from tests.support.postgres import PostgresServer
from tests.support.project import Project, example

# the first test waits for all runs
pytestmark = [pytest.mark.e2e, pytest.mark.postgres, pytest.mark.timeout(900)]

DAYS = [datetime.date(2026, 3, n) for n in (1, 2, 3)]
RUNS = [DAYS[0], DAYS[1], DAYS[2], DAYS[2]]  # the last day comes twice


class Transit:
    """The pipeline after its runs, and questions to its warehouse."""

    def __init__(self, project: Project, url: str) -> None:
        self.project, self._url = project, url

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What PostgreSQL itself answers."""
        with psycopg.connect(self._url) as link:
            return link.execute(query.encode()).fetchall()


@pytest.fixture(scope="module")
def transit(
    shared: Cli, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Transit:
    """Four runs over three days."""
    clone = tmp_path_factory.mktemp("transit")
    subprocess.run(["git", "init", "-q", str(clone)], check=True)
    project = example("transit", clone / "examples")
    (project.folder / ".git").rmdir()
    database = postgres_server.create_database()
    place = {
        "TRANSIT_HOST": postgres_server.host,
        "TRANSIT_PORT": str(postgres_server.port),
        "TRANSIT_USER": postgres_server.user,
        "TRANSIT_PASSWORD": postgres_server.password,
        "TRANSIT_DB": database,
    }
    cli = Cli(shared.home, clone, {**shared.environ, **place})
    for number, day in enumerate(RUNS):
        first = () if number else ("--full-refresh",)  # makes the tables
        flags = (*_dates(day), *first, "--sensor-mode", "wait")
        done = cli("run", "examples/transit", *flags, timeout=300)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr
        assert "29 succeeded" in done.stdout.splitlines()[-1]
    return Transit(project, postgres_server.url(database))


def _dates(day: datetime.date) -> Sequence[str]:
    return ("--start-date", day.isoformat(), "--end-date", f"{day} 23:59:59.999999")


def roll(*parts: object, sides: int) -> int:
    return zlib.crc32("|".join(map(str, parts)).encode()) % sides


def test_a_day_that_comes_again_replaces_itself(transit: Transit) -> None:
    """time_interval, delete+insert of ingestr and of SQL."""
    trips = [(day, 6 * 20) for day in DAYS]
    for table in ("raw.trips", "core.fct_trips"):
        found = f"SELECT trip_date, count(*) FROM {table} GROUP BY 1 ORDER BY 1"
        assert transit.rows(found) == trips
    sales = "SELECT sold_on, sum(tickets)::int FROM core.fct_sales GROUP BY 1 ORDER BY 1"
    assert transit.rows(sales) == [(day, 80) for day in DAYS]


def test_appended_rows_stay_once_for_each_run(transit: Transit) -> None:
    found = transit.rows("SELECT start_date, trips FROM core.run_log ORDER BY 1")
    assert found == [(day, 120) for day in RUNS]


def test_merged_rows_are_updated(transit: Transit) -> None:
    assert transit.rows("SELECT count(*) FROM raw.tickets") == [(240,)]
    assert transit.rows("SELECT count(*) FROM raw.feedback") == [(45,)]
    used: dict[int, int] = dict.fromkeys(range(1, 19), 0)
    for day in DAYS:
        for line in range(1, 7):
            for n in range(20):
                used[1 + roll("vehicle", day, line, n, sides=18)] += 1
    assert dict(transit.rows("SELECT vehicle_id, trips FROM core.vehicle_use")) == used


def test_history_is_kept(transit: Transit) -> None:
    """Every fifth passenger changes the card between the first and the third day."""
    versions = "SELECT passenger_id, count(*) FROM core.passengers GROUP BY 1 ORDER BY 1"
    assert transit.rows(versions) == [(n, 2 if n % 5 == 0 else 1) for n in range(1, 26)]
    gaps = """
        SELECT count(*) FROM core.passengers AS old JOIN core.passengers AS new USING (passenger_id)
        WHERE NOT old._is_current AND new._is_current AND old._valid_until <> new._valid_from
    """
    assert transit.rows(gaps) == [(0,)]
    current = transit.rows("SELECT passenger_id, card FROM core.passengers WHERE _is_current")
    cards = ("single", "weekly", "monthly")
    assert dict(current) == {n: cards[(n + (n % 5 == 0)) % 3] for n in range(1, 26)}


def test_declared_tables_have_their_shape(transit: Transit) -> None:
    shape = """
        SELECT column_name, data_type, numeric_precision, numeric_scale
        FROM information_schema.columns
        WHERE table_schema = 'core' AND table_name = 'fares' ORDER BY ordinal_position
    """
    assert transit.rows(shape)[1] == ("euros", "numeric", 6, 2)
    comment = "SELECT col_description('core.fares'::regclass, 2)"
    assert transit.rows(comment) == [("Price of a single ticket.",)]


def test_punctuality_is_what_plain_python_computes(transit: Transit) -> None:
    late = dict.fromkeys(range(1, 7), 0)
    for day in DAYS:
        for line in late:
            delays = [max(0, roll("delay", day, line, n, sides=14) - 5) for n in range(20)]
            late[line] += sum(delay > 5 for delay in delays)
    expected = {line: round(100 * count / 60, 1) for line, count in late.items()}
    found = transit.rows("SELECT line_id, late_percent FROM mart.punctuality")
    assert {line: float(percent) for line, percent in found} == expected
    archived = transit.project.rows(
        "SELECT line_id, late_percent FROM archive.punctuality", "data/managers.duckdb"
    )
    assert {line: float(percent) for line, percent in archived} == expected


def test_nothing_is_left_behind(transit: Transit) -> None:
    """No staging table, no staging file, no temporary table of a strategy."""
    tables = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT LIKE 'pg%'"
    left = [row for row in transit.rows(tables) if "staging" in row[0] + row[1] or "tmp" in row[1]]
    own = [name for name in left if name[0] != "staging"]
    assert own == []
    assert not list(transit.project.folder.rglob("*__bruin_staging*"))
