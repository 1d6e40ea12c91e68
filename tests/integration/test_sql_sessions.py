"""The session in which a SQL asset runs: files, stops, crashes, and what a failure tells."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest

from tests.support import tables, warehouse
from tests.support.cli import until
from tests.support.sql_assets import House, house, server
from workers import query_step
from workers.duckdb_process import mine
from workers.errors import StepFailed
from workers.guard import Guard

__all__ = ["house", "server"]

ENDLESS = {
    "duckdb": "select sum(a.i * b.i) as s from range(100000000) a(i), range(100000000) b(i)",
    "postgres": "select cast(pg_sleep(600) as text) as a",
}


@pytest.fixture
def duck(tmp_path: Path) -> House:
    """A project whose DuckDB file is not there yet, nor is its folder."""
    return House(tables.duckdb(tmp_path))


def test_files_are_read_and_written_below_the_project(duck: House) -> None:
    (duck.target.folder / "data" / "in").mkdir(parents=True)
    (duck.target.folder / "data" / "in" / "x.csv").write_text("a,b\n1,2\n", "utf-8")
    duck.run("select * from read_csv('data/in/x.csv') union all from 'data/in/*.csv'")
    duck.run("copy shop.t to 'data/out.csv' (header false)", None)
    assert (duck.target.folder / "data" / "out.csv").read_text() == "1,2\n1,2\n"


@pytest.mark.parametrize(("folder", "expected"), [("sub", "sub"), ("none", "root"), ("..", "root")])
def test_files_are_found_from_where_the_run_was_started(
    duck: House, folder: str, expected: str
) -> None:
    for place in ("root", "sub"):
        file = duck.target.folder / ("" if place == "root" else place) / "x.csv"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"a\n{place}\n", "utf-8")
    context = duck.context("from 'x.csv'")
    query_step.run(replace(context, options=replace(context.options, folder=folder)))
    assert duck.rows() == [(expected,)]


def test_a_file_that_is_not_there_is_said_to_be_looked_for_where(duck: House) -> None:
    with pytest.raises(StepFailed, match="No files found") as failed:
        duck.run("from 'data/nothing.csv'")
    assert "where the run was started" in failed.value.hint
    with pytest.raises(StepFailed, match="No files found") as failed:
        duck.run("from '/nowhere/nothing.csv'")
    assert failed.value.hint == ""


def test_a_new_file_is_one_that_older_versions_read(duck: House) -> None:
    duck.run("select 1 as a")
    with duckdb.connect(str(duck.target.connection.file), read_only=True) as link:
        tags = "select tags from duckdb_databases() where database_name = 'house'"
        assert "v1.0.0" in str(link.execute(tags).fetchall())


def test_the_process_is_kept_from_asset_to_asset(duck: House) -> None:
    duck.run("select 1 as a")
    kept = child()
    duck.run("select 2 as a")
    assert child().pid == kept.pid


def test_nothing_of_one_asset_reaches_the_next(house: House) -> None:
    house.run("create temp table leftover as select 1 as a", None)
    with pytest.raises(StepFailed, match="leftover"):
        house.run("select * from leftover")


def test_a_name_that_is_no_table_is_not_a_variable_of_ours(duck: House) -> None:
    for name in ("sql", "statement", "self", "answer"):
        with pytest.raises(StepFailed, match=name):
            duck.run(f"select * from {name}", None)


@pytest.mark.parametrize("strategy", ["", None])
def test_a_query_that_takes_too_long_is_ended(house: House, strategy: str | None) -> None:
    with pytest.raises(StepFailed, match=r"timeout of 0\.5 s"):
        house.run(ENDLESS[house.engine], strategy, timeout=0.5)
    assert house.run("select 1 as a") == 1


def test_a_stop_ends_the_query_and_leaves_the_table(house: House) -> None:
    house.run("select 1 as a")
    threading.Timer(0.5, lambda: setattr(house.target.stop, "reason", "cancelled")).start()
    with pytest.raises(StepFailed) as failed:
        house.run(ENDLESS[house.engine])
    assert failed.value.kind == "cancelled"
    house.target.stop.reason = None
    assert house.rows() == [(1,)]


def test_a_process_that_does_not_listen_is_killed(duck: House) -> None:
    duck.run("select 1 as a")
    frozen = child()
    duck.target.settings = replace(duck.target.settings, stop_grace=0.2)
    frozen.send_signal(signal.SIGSTOP)
    with pytest.raises(StepFailed, match="timeout"):
        duck.run("select 2 as a", timeout=0.3)
    assert not frozen.is_running()
    assert duck.rows() == [(1,)]


def test_a_crash_of_duckdb_fails_the_asset_alone(duck: House) -> None:
    duck.run("select 1 as a")
    victim, file = child(), str(duck.target.connection.file)

    def crash() -> None:  # not before it has begun: a new one would take its place
        until(lambda: file in {opened.path for opened in victim.open_files()})
        victim.send_signal(signal.SIGSEGV)

    threading.Thread(target=crash, daemon=True).start()
    with pytest.raises(StepFailed, match="SIGSEGV") as failed:
        duck.run(ENDLESS["duckdb"])
    assert "undone" in failed.value.hint
    assert duck.run("select 2 as a") == 1
    assert duck.rows() == [(2,)]


def test_the_process_ends_with_its_lifeline(duck: House) -> None:
    duck.run("select 1 as a")
    orphan = child()
    sock = mine()._sock
    assert sock is not None
    sock.close()
    assert orphan.wait(120) == 0


def test_an_error_names_the_line_of_the_asset(house: House) -> None:
    with pytest.raises(StepFailed, match="nowhere") as failed:
        house.run("-- what is sold\nselect 1 as a\nfrom nowhere as n")
    (frame,) = failed.value.frames
    assert (frame.file, frame.line, frame.source) == ("assets/t.sql", 5, "from nowhere as n")


def test_an_error_in_the_second_statement_names_its_line(house: House) -> None:
    with pytest.raises(StepFailed) as failed:
        house.run("create temp table x as select 1 as a;\n\ninsert into nowhere\nvalues (1)", None)
    assert failed.value.frames[0].line == 5


def test_a_line_that_a_template_has_made_is_shown_and_not_placed(duck: House) -> None:
    context = duck.context("select 1 as a\nfrom nowhere")
    file = duck.target.folder / context.spec.body_path
    file.write_text("select 1 as a\nfrom {{ table }}", "utf-8")
    with pytest.raises(StepFailed) as failed:
        query_step.run(context)
    assert failed.value.frames == ()
    assert "from nowhere" in failed.value.detail


def test_a_commit_that_takes_too_long_is_not_tried_again(
    server: warehouse.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be done all the same: rows that are appended would be there twice."""
    shop = House(server.target(tmp_path))
    shop.run("select 1 as a")
    shop.sql(
        "create function slow() returns trigger language plpgsql as "
        "$$ begin perform pg_sleep(600); return null; end $$",
        "create constraint trigger slow after insert on shop.t initially deferred "
        "for each row execute function slow()",
    )
    guards: list[Guard] = []

    def guard(*given: Any) -> Guard:
        guards.append(Guard(*given))
        return guards[-1]

    def may_commit() -> bool:  # all but the commit had time enough
        guards[-1]._deadline = time.monotonic() + 0.5
        return True

    monkeypatch.setattr(query_step, "Guard", guard)
    context = shop.context("select 2 as a", "append", timeout=600.0)
    with pytest.raises(StepFailed, match="the time was over during the commit") as failed:
        query_step.run(replace(context, may_commit=may_commit))
    assert failed.value.kind == "lost"


def test_a_column_named_like_duckdbs_count_may_hold_anything(duck: House) -> None:
    for value in ("'many'", "null", "date '2024-01-01'"):
        assert duck.run(f'select {value} as "Count"', None) is None


def test_an_answer_that_is_not_the_one_to_close_ends_the_process(duck: House) -> None:
    """Else the next asset would get the answers of this one."""
    duck.run("select 1 as a")
    process, odd = mine(), child()
    memory = {"path": ":memory:", "config": {}, "read_only": False, "cwd": "/"}
    process.open(memory, Guard(), lease=20.0, grace=1.0)
    process._send({"do": "run", "sql": "select 1", "limit": 0})  # and nobody reads the answer
    process.release()
    assert not odd.is_running()
    assert duck.run("select 2 as a") == 1


def test_what_python_refuses_fails_the_asset_and_not_the_process(duck: House) -> None:
    with pytest.raises(StepFailed, match="incompatible function arguments"):
        duck.run("select 1 as a", pre=("select '\ud800'",))


def test_no_password_in_what_a_failure_says(server: warehouse.Server, tmp_path: Path) -> None:
    shop = House(server.target(tmp_path))
    with pytest.raises(StepFailed) as failed:
        shop.run(f"select cast('{tables.PASSWORD}' as integer)")
    assert tables.PASSWORD not in failed.value.message


def test_the_type_of_the_connection_must_be_the_assets(
    server: warehouse.Server, tmp_path: Path
) -> None:
    target = server.target(tmp_path)
    context = House(target).context("select 1 as a")
    wrong = replace(context, spec=replace(context.spec, type="duckdb.sql"))
    with pytest.raises(
        StepFailed, match=r"run on a connection of type duckdb.*, but 'db' is of type"
    ):
        query_step.run(wrong)


def test_assets_that_make_one_schema_at_a_time_do_not_fail(
    server: warehouse.Server, tmp_path: Path
) -> None:
    shop = House(server.target(tmp_path))
    with ThreadPoolExecutor(4) as pool:
        rows = pool.map(lambda n: shop.run("select 1 as a", name=f"shop.t{n}"), range(8))
    assert list(rows) == [1] * 8


def test_a_large_result_that_nobody_wants_is_not_kept(
    server: warehouse.Server, tmp_path: Path
) -> None:
    shop = House(server.target(tmp_path))
    before = psutil.Process().memory_info().rss
    shop.run("select repeat('x', 1000) from generate_series(1, 200000)", None)
    assert psutil.Process().memory_info().rss - before < 100_000_000


def test_what_a_script_says_is_in_the_log(server: warehouse.Server, tmp_path: Path) -> None:
    shop = House(server.target(tmp_path))
    shop.run("do $$ begin raise notice 'half done; go on'; end $$", None)
    assert "notice: half done; go on" in shop.target.log.lines


def test_the_server_sees_whose_query_it_is(server: warehouse.Server, tmp_path: Path) -> None:
    shop = House(server.target(tmp_path))
    query = "select current_query() as q, current_setting('application_name') as n"
    context = shop.context(query, run_id="7f3k2")
    options = replace(context.options, query_annotations='{"team": "sales"}')
    query_step.run(replace(context, options=options))
    ((query, name),) = shop.rows()
    said = '-- @bruin.config: {"asset":"shop.t","pipeline":"shop","team":"sales","type":"main"}\n'
    assert query.startswith(said)
    assert name == "fleet 7f3k2/shop.t/1"


def child() -> psutil.Process:
    """The DuckDB process of this thread."""
    process = mine()._child
    assert process is not None
    return psutil.Process(process.pid)
