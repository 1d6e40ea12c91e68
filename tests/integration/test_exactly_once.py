"""A load that is done twice, at once, late, or killed anywhere leaves its rows exactly once.

Rows carry their run and a nonce. What is in the table is read by the engines' own drivers.
"""

import os
import signal
import threading
import time
import uuid
from dataclasses import replace
from datetime import date
from itertools import count
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from tests.support import attempts, sources, tables, warehouse
from tests.support.attempts import Try, left_over, sessions
from tests.support.cli import until
from tests.support.tables import Target
from tests.support.targets import server, target
from workers.errors import NotYet, StepFailed

ADDS = ("append", "merge")  # of which the rows of all runs stay; of others the last run's
STRATEGIES = (*ADDS, "delete+insert", "create+replace")
POINTS = ("load:begin", "load:staged", "load:before-commit", "load:after-commit")
_tokens = count(1_000)
_keys = count(1)


__all__ = ["server", "target"]  # fixtures


def first(target: Target, strategy: str) -> Try:
    """The first attempt of a new run, with rows of its own."""
    run, nonce = f"run-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    rows = {
        "id": [next(_keys), next(_keys)],
        "day": pa.array([date(2024, 1, 1)] * 2, pa.date32()),
        "run": [run] * 2,
        "nonce": [f"{nonce}-1", f"{nonce}-2"],
    }
    return Try(
        target=target,
        rows=pa.table(rows),
        strategy=strategy,
        run=run,
        number=1,
        token=next(_tokens),
    )


def successor(attempt: Try) -> Try:
    """The next attempt of the same run, claimed later."""
    return replace(attempt, number=attempt.number + 1, token=next(_tokens))


def given(*tries: Try) -> list[str]:
    """The nonces of what should be in the table after these, one after the other."""
    kept = tries if tries[0].strategy in ADDS else tries[-1:]
    return sorted(nonce for one in kept for nonce in one.rows["nonce"].to_pylist())


def stored(target: Target) -> list[str]:
    """The nonces in the table."""
    return [str(row[0]) for row in target.rows("nonce")]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_load_killed_anywhere_is_finished_by_its_successor(
    target: Target, strategy: str, tmp_path: Path
) -> None:
    """SIGKILL at each point; the points say that they were reached."""
    done = []
    for point in POINTS:
        log = tmp_path / point
        killed = first(target, strategy)
        with attempts.child(killed, f"{point}=kill", log) as wait:
            assert wait() == "SIGKILL"
        assert log.read_text().split()[0] == point
        assert successor(killed).end() == "loaded"
        done.append(killed)
        assert stored(target) == given(*done), point
    assert left_over(target) == []


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_load_done_again_changes_nothing(target: Target, strategy: str) -> None:
    """By a message that came twice, by another try, by a run that continues this one."""
    earlier, load = first(target, strategy), first(target, strategy)
    assert [earlier.end(), load.end()] == ["loaded", "loaded"]
    for again in (load, successor(load)):
        result = again.load()
        assert result["rows"] == 2
        assert "had loaded the rows already" in result["notices"][0]
    continuing = replace(load, run="another", continues=load.run, token=next(_tokens))
    assert continuing.end() == "loaded"
    assert stored(target) == given(earlier, load)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_paused_load_that_wakes_up_late_is_refused(
    target: Target, strategy: str, tmp_path: Path
) -> None:
    """Its successor has loaded, and so has the next run."""
    late, log = first(target, strategy), tmp_path / "points"
    with attempts.child(late, "load:staged=stop", log) as wait:
        pid = attempts.stopped(log, "load:staged")
        assert successor(late).end() == "loaded"
        next_run = first(target, strategy)
        assert next_run.end() == "loaded"
        os.kill(pid, signal.SIGCONT)
        assert wait() in ("lost", "not yet", "failed")
    assert stored(target) == given(late, next_run)


@pytest.mark.parametrize("strategy", ["append", "merge"])
def test_two_at_once_are_one(target: Target, strategy: str) -> None:
    """An attempt that is believed dead, its successor, and the load of another run."""
    one, other = first(target, strategy), first(target, strategy)
    with (
        attempts.child(one) as first_end,
        attempts.child(successor(one)) as second_end,
        attempts.child(other) as other_end,
    ):
        ends = [first_end(), second_end(), other_end()]
    assert "broke" not in ends
    if "loaded" not in ends[:2]:  # they were in each other's way
        assert successor(successor(one)).end() == "loaded"
    if ends[2] != "loaded":
        assert replace(other, token=next(_tokens)).end() == "loaded"
    assert stored(target) == given(one, other)


@pytest.mark.parametrize("strategy", ["append", "truncate+insert"])
def test_a_seed_is_loaded_once(target: Target, strategy: str) -> None:
    """Whatever tries it again in the same run."""
    sources.write(target, "id,nonce\n1,a\n2,b\n")
    target.run_id = "one"
    for attempt in (1, 1, 2):
        target.attempt = attempt
        result = sources.seed(target, path="people.csv", incremental_strategy=strategy)
        assert result["rows"] == 2
    assert "had loaded the rows already" in result["notices"][0]
    assert target.rows("nonce", "shop.people") == [("a",), ("b",)]


@pytest.mark.parametrize("strategy", ["", "append"])
def test_a_copy_is_made_once(target: Target, tmp_path: Path, strategy: str) -> None:
    """Of what the source had at the first try."""
    (tmp_path / "source").mkdir()
    both = sources.pair(target, tables.sqlite(tmp_path / "source"))
    both.prepare("CREATE TABLE items (id INTEGER, nonce TEXT)", "INSERT INTO items VALUES (1, 'a')")
    both.run_id = "one"
    for attempt in (1, 2):
        both.attempt = attempt
        both.ingest(strategy=strategy)
        both.prepare("INSERT INTO items VALUES (2, 'b')")
    assert both.copied("nonce") == [("a",)]


@pytest.mark.parametrize("name", ["shop.copy", f"shop.{'x' * 63}"])
def test_the_name_of_a_key_may_be_taken(
    tmp_path: Path, server: warehouse.Server, name: str
) -> None:
    """By a table that was put aside under another name, or by the table itself where it is long."""
    (tmp_path / "source").mkdir()
    both = sources.pair(server.target(tmp_path), tables.sqlite(tmp_path / "source"))
    both.prepare("CREATE TABLE items (id INTEGER PRIMARY KEY, nonce TEXT)")
    both.ingest(name=name)
    both.execute(f"ALTER TABLE {name} RENAME TO aside")
    assert both.ingest(name=name)["rows"] == 0


def test_a_table_made_again_is_loaded_again(target: Target) -> None:
    """What was recorded is of the table that was dropped."""
    load = first(target, "append")
    assert load.end() == "loaded"
    name = "shop.orders" if target.kind != "sqlite" else '"shop"."orders"'
    target.execute(f"DROP TABLE {name}")
    assert successor(load).end() == "loaded"
    assert stored(target) == given(load)


def test_an_attempt_that_another_run_has_overtaken_is_claimed_anew(target: Target) -> None:
    """It is no stale one: it waits, and its rows come with its next claim."""
    slow, fast = first(target, "append"), first(target, "append")
    assert fast.end() == "loaded"
    with pytest.raises(NotYet, match="it is loaded anew"):
        slow.load()
    assert replace(slow, token=next(_tokens)).end() == "loaded"
    assert stored(target) == given(slow, fast)


def test_nothing_is_committed_without_a_claim(target: Target) -> None:
    """`may_commit` is asked behind everything else, until it is sure or the step must stop."""
    load, make, asked = first(target, "append"), target.context, []

    def unsure() -> bool:
        asked.append("leave")
        target.stop.reason = "fenced"
        return False

    target.context = lambda *given: replace(make(*given), may_commit=unsure)  # type: ignore[method-assign]
    with pytest.raises(StepFailed, match="fenced"):
        load.load()
    target.stop.reason, target.context = None, make  # type: ignore[method-assign]
    assert successor(load).end() == "loaded"
    assert stored(target) == given(load)
    assert len(asked) == 1


def test_a_commit_without_an_answer_is_looked_up(tmp_path: Path, server: warehouse.Server) -> None:
    """The server ends the session: the step is claimed anew, and the record tells."""
    target, log = server.target(tmp_path), tmp_path / "points"
    load = first(target, "append")
    with attempts.child(load, "load:before-commit=stop", log) as wait:
        pid = attempts.stopped(log, "load:before-commit")
        ours = f"application_name LIKE 'fleet {load.run}%'"
        target.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}")
        until(lambda: not sessions(target, ours))
        os.kill(pid, signal.SIGCONT)
        assert wait() == "not yet"
    assert replace(load, number=2, token=next(_tokens)).end() == "loaded"
    assert stored(target) == given(load)


def test_where_we_must_not_write_it_is_said(tmp_path: Path, server: warehouse.Server) -> None:
    """The load goes straight into the table, at least once, as fleet keeps no record there."""
    target = server.target(tmp_path)
    (tmp_path / "read").mkdir()
    config = target.config.replace("{name: db,", "{name: db, read_only: true,")
    only = Target(folder=tmp_path / "read", kind="postgres", config=config)
    load = first(only, "append")
    for _ in range(2):
        (notice,) = load.load()["notices"]
        assert "at least once" in notice
    assert stored(target) == given(load, load)


def test_a_schema_that_another_makes_at_the_same_moment(
    tmp_path: Path, server: warehouse.Server
) -> None:
    """As the first assets of a pipeline do: PostgreSQL tells the later one of a duplicate key."""
    target = server.target(tmp_path)
    login = {name: target.connection.text(name) for name in ("host", "port", "password")}
    whose = {"user": warehouse.USER, "dbname": target.connection.text("database")}

    def other() -> None:
        waits = "SELECT 1 FROM pg_locks WHERE NOT granted"
        with psycopg.connect(**login, **whose) as one, psycopg.connect(**login, **whose) as two:
            one.execute("CREATE SCHEMA shop")
            two.autocommit = True
            ready.set()
            while not two.execute(waits).fetchone():
                time.sleep(0.05)

    ready, load = threading.Event(), first(target, "append")
    thread = threading.Thread(target=other, daemon=True)
    thread.start()
    assert ready.wait(120)
    assert load.end() == "loaded"
    thread.join(120)


def test_two_users_may_load_into_one_schema(tmp_path: Path, server: warehouse.Server) -> None:
    """The second may not change the record of the first: it loads at least once, and says so."""
    target = server.target(tmp_path)
    first(target, "append").load()
    target.execute(
        "CREATE ROLE guest LOGIN PASSWORD 'guest'",
        "GRANT USAGE, CREATE ON SCHEMA shop TO guest",
        "ALTER TABLE shop.orders OWNER TO guest",
    )
    login = {"username: loader": "username: guest", f"'{tables.PASSWORD}'": "guest"}
    (tmp_path / "guest").mkdir()
    config = target.config
    for own, theirs in login.items():
        config = config.replace(own, theirs)
    load = first(Target(folder=tmp_path / "guest", kind="postgres", config=config), "append")
    (notice,) = load.load()["notices"]
    assert "at least once" in notice
    assert "_bruin_fleet_loads" in notice
    assert len(stored(target)) == 4
