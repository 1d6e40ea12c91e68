"""The sensor step on real databases: passes, fails, or says when to look again."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assets_parser.spec import AssetSpec, SensorMode
from tests.support import tables, warehouse
from tests.support.tables import OPTIONS, Target
from workers import sensor_step
from workers.errors import NotYet, StepFailed

ROWS = "CREATE TABLE shop.orders AS SELECT 1 AS n"


@pytest.fixture(scope="module")
def server() -> Iterator[warehouse.Server]:
    """One PostgreSQL for this module."""
    with warehouse.running() as running:
        yield running


@pytest.fixture(params=["duckdb", "postgres"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    """An empty schema `shop`."""
    made: Target = (
        request.getfixturevalue("server").target(tmp_path)
        if request.param == "postgres"
        else tables.duckdb(tmp_path)
    )
    made.execute("DROP SCHEMA IF EXISTS shop CASCADE", "CREATE SCHEMA shop")
    return made


def look(
    target: Target, mode: SensorMode = "", *, waited: float = 0.0, kind: str = "", **parameters: Any
) -> Any:
    """What one try of a sensor gives."""
    spec = AssetSpec(
        pipeline="shop",
        name="shop.wait",
        type=kind or "pg.sensor.query",
        path="assets/wait.asset.yml",
        steps=("sensor",),
        connection="db",
        parameters=parameters,
    )
    claim: Any = SimpleNamespace(
        run_id="7f3k2", asset=spec.name, step="sensor", number=1, waited=waited
    )
    context = target.context(spec, "sensor", {})
    return sensor_step.run(
        replace(context, claim=claim, options=replace(OPTIONS, sensor_mode=mode))
    )


@pytest.mark.parametrize("query", ["select 1", "select 42;", "select true", "select 2.5"])
def test_a_number_above_zero_passes(target: Target, query: str) -> None:
    assert look(target, query=query).result == {"passed": True}


@pytest.mark.parametrize("query", ["select 0", "select -1", "select false", "select 0.5"])
def test_any_other_number_fails_what_looks_once(target: Target, query: str) -> None:
    with pytest.raises(StepFailed, match="is not satisfied") as failed:
        look(target, query=query)
    assert failed.value.kind == "sensor" and "--sensor-mode wait" in failed.value.hint


def test_skip_does_not_even_look(target: Target) -> None:
    assert look(target, "skip", query="select * from nowhere").result == {"passed": True}


def test_wait_looks_again_after_the_interval(target: Target) -> None:
    with pytest.raises(NotYet, match="looks again in 90 s") as found:
        look(target, "wait", query="select 0", poke_interval="90s")
    assert found.value.delay == 90.0
    with pytest.raises(NotYet) as usual:
        look(target, "wait", query="select 0")
    assert usual.value.delay == 30.0


def test_the_last_look_is_at_the_end_of_its_time(target: Target) -> None:
    with pytest.raises(NotYet) as found:
        look(target, "wait", waited=55.0, query="select 0", poke_interval=30, timeout="1m")
    assert found.value.delay == pytest.approx(5.0)
    with pytest.raises(StepFailed, match="not satisfied within 60 s") as over:
        look(target, "wait", waited=60.1, query="select 0", timeout="1m")
    assert over.value.kind == "timeout"
    assert look(target, "wait", waited=60.1, query="select 1", timeout="1m")


@pytest.mark.parametrize("mode", ["once", "wait"])
def test_a_query_that_fails_fails_the_sensor(target: Target, mode: SensorMode) -> None:
    with pytest.raises(StepFailed, match="query failed") as failed:
        look(target, mode, query="select * from nowhere")
    assert "nowhere" in failed.value.detail


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("select null", "it gave NULL"),
        ("select 'soon'", "it gave 'soon'"),
        ("select 1, 2", "2 columns"),
        ("select 1 where 1 = 0", "no row"),
        ("select 1 union all select 2", "2 rows"),
    ],
)
def test_what_is_no_number_fails_the_sensor(target: Target, query: str, words: str) -> None:
    with pytest.raises(StepFailed, match=words):
        look(target, "wait", query=query)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "needs parameters.query"),
        ({"query": "  "}, "needs parameters.query"),
        ({"query": "select 0", "poke_interval": "1h30m"}, "'1h30m' is no time span"),
        ({"query": "select 0", "timeout": "soon"}, "'soon' is no time span"),
    ],
)
def test_mistakes_are_said(target: Target, parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(StepFailed, match=words) as failed:
        look(target, "wait", **parameters)
    assert failed.value.kind == "config"


def test_a_table_sensor_counts_tables_and_no_views(
    server: warehouse.Server, tmp_path: Path
) -> None:
    target = server.target(tmp_path)
    target.execute("DROP SCHEMA IF EXISTS shop CASCADE", "CREATE SCHEMA shop")
    kind = "pg.sensor.table"
    with pytest.raises(StepFailed, match="gave 0"):
        look(target, kind=kind, table="shop.orders")
    target.execute("CREATE VIEW shop.orders AS SELECT 1 AS n")
    with pytest.raises(StepFailed, match="gave 0"):
        look(target, kind=kind, table="shop.orders")
    target.execute("DROP VIEW shop.orders", ROWS, "CREATE TABLE bare_one (n int)")
    assert look(target, kind=kind, table="shop.orders")
    assert look(target, kind=kind, table="bare_one")
    with pytest.raises(StepFailed, match="gave 0"):
        look(target, kind=kind, table="it's.not'there")


def test_a_file_that_cannot_be_opened_is_not_taken_for_one_in_use(tmp_path: Path) -> None:
    """Whatever its name is."""
    (tmp_path / "locks").mkdir()
    target = tables.duckdb(tmp_path / "locks")
    assert target.connection.file is not None
    target.connection.file.parent.mkdir(parents=True, exist_ok=True)
    target.connection.file.write_bytes(b"no database" * 1000)
    with pytest.raises(StepFailed, match="cannot open connection") as failed:
        look(target, "wait", query="select 1")
    assert "locks/" in failed.value.detail and "another program" not in failed.value.hint


def test_a_sensor_that_waits_outlasts_whoever_has_the_file_open(tmp_path: Path) -> None:
    target = tables.duckdb(tmp_path)
    target.execute("CREATE SCHEMA shop")
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    argv = [sys.executable, "-c", code, str(target.connection.file)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "open\n"
        with pytest.raises(NotYet, match="another program has the database open"):
            look(target, "wait", query="select 1")
        with pytest.raises(StepFailed, match="still has the database open after 60 s") as over:
            look(target, "wait", waited=61.0, query="select 1", timeout="1m")
        with pytest.raises(StepFailed, match=f"open elsewhere .*PID {other.pid}") as failed:
            look(target, "once", query="select 1")
        other.communicate("\n")
    assert (over.value.kind, failed.value.kind) == ("timeout", "connection")
    assert look(target, "wait", query="select 1")


def test_a_database_file_that_does_not_exist_yet_is_an_empty_database(tmp_path: Path) -> None:
    """The first asset of a pipeline may wait for something else before any table is there."""
    target = tables.duckdb(tmp_path)
    assert look(target, kind="duckdb.sensor.query", query="select 1").result == {"passed": True}
    with pytest.raises(StepFailed, match="query failed") as failure:
        look(target, kind="duckdb.sensor.query", query="select count(*) from shop.orders")
    assert "there is no file" in failure.value.hint
