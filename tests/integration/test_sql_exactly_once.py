"""A SQL asset's rows are in its table once, however often, late or broken its step is run."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import tables, warehouse
from tests.support.sql_assets import House, house, server
from tests.support.sql_once import FIRST, SECOND, STRATEGIES, keys, prepare, second
from workers import query_fence, query_step, script_run, sessions
from workers.context import StepContext
from workers.errors import Locked, NotYet, StepFailed

__all__ = ["house", "server"]


def once(strategy: str) -> list[int]:
    """The ids that one run leaves."""
    both = strategy in ("append", "delete+insert", "merge", "scd2_by_column")
    return [1, 2] if both else [2]


def crash(context: StepContext, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the step in a process that is killed at a point."""
    monkeypatch.setenv("FLEET_CRASH", f"{point}=kill")
    pid = os.fork()
    if pid == 0:
        try:
            query_step.run(context)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    monkeypatch.delenv("FLEET_CRASH")


def patiently(context: Callable[[], StepContext]) -> int | None:
    """Run a step as a worker does: who must wait is claimed anew."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            rows: int | None = query_step.run(context()).result["rows"]
        except (Locked, NotYet):
            time.sleep(0.05)
        else:
            return rows
    raise AssertionError("it waits for ever")


@pytest.mark.parametrize("point", ["query.before_commit", "query.after_commit"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_process_that_is_killed_at_its_commit_leaves_the_rows_once(
    house: House, strategy: str, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(house, strategy)
    crash(second(house, strategy), point, monkeypatch)
    patiently(lambda: second(house, strategy, attempt=2))
    assert keys(house) == once(strategy)


def test_who_comes_again_finds_the_rows_and_adds_none(house: House) -> None:
    prepare(house, "append")
    for attempt in (1, 2, 3):
        assert query_step.run(second(house, "append", attempt)).result["rows"] == 1
    assert keys(house) == [1, 2]
    assert "attempt 1 of run r2 has written the rows: nothing is done twice" in (
        house.target.log.lines
    )


def test_attempts_at_once_leave_the_rows_once(house: House) -> None:
    prepare(house, "append")
    contexts = [second(house, "append", attempt) for attempt in (1, 2, 3, 4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(_outcome, contexts))
    assert keys(house) == [1, 2]


def _outcome(context: StepContext) -> str:
    try:
        return str(patiently(lambda: context))
    except StepFailed as error:  # its session was ended by a successor, or it is refused
        return str(error)


def test_the_hooks_behind_run_also_for_rows_that_are_there(house: House) -> None:
    prepare(house, "append")
    with pytest.raises(StepFailed, match="nowhere"):
        query_step.run(second(house, "append", post=["select * from nowhere"]))
    post = ["create table shop.behind as select 3 as a"]
    query_step.run(second(house, "append", attempt=2, post=post))
    assert (keys(house), house.rows(name="shop.behind")) == ([1, 2], [(3,)])


def test_a_table_that_was_dropped_since_is_filled_again(
    server: warehouse.Server, tmp_path: Path
) -> None:
    shop = House(server.target(tmp_path))
    prepare(shop, "append")
    query_step.run(second(shop, "append"))
    shop.sql("drop table shop.t")
    query_step.run(second(shop, "append", attempt=2))
    assert keys(shop) == [2]


def test_an_older_run_is_refused_once_a_later_one_was_there(house: House) -> None:
    """What it read may be older than what the later one wrote."""
    strategy = "append" if house.engine == "duckdb" else ""  # else its file's lock does
    older = house.context(FIRST, strategy, run_id="older")
    house.run(SECOND, strategy, run_id="later")
    with pytest.raises(NotYet, match=r"run later of shop\.t was claimed later"):
        query_step.run(older)
    assert keys(house) == [2]
    house.run(FIRST, strategy, run_id="older")  # claimed anew
    assert keys(house) == [1, 2] if strategy else [1]


def test_an_attempt_with_a_successor_commits_nothing(
    server: warehouse.Server, tmp_path: Path
) -> None:
    shop = House(server.target(tmp_path))
    prepare(shop, "append")
    first, successor = second(shop, "append"), second(shop, "append", attempt=2)
    broken = replace(successor, spec=replace(successor.spec, query="select 1/0 as id"))
    with pytest.raises(StepFailed, match="division by zero"):
        query_step.run(broken)
    with pytest.raises(StepFailed, match=r"attempt 2 of shop\.t was claimed later") as refused:
        query_step.run(first)
    assert refused.value.kind == "lost"
    assert keys(shop) == [1]


def test_nothing_is_committed_for_a_claim_that_is_not_known_to_stand(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script_run, "_SURE", 0.1)
    prepare(house, "append")
    with pytest.raises(NotYet, match="nothing was committed"):
        query_step.run(replace(second(house, "append"), may_commit=lambda: False))
    script = house.context("create table shop.x as select 1 as a", None)
    with pytest.raises(StepFailed, match="not renewed in time"):
        query_step.run(replace(script, may_commit=lambda: False))
    assert keys(house) == [1]


def test_a_commit_without_an_answer_is_looked_after_and_not_repeated(
    server: warehouse.Server, tmp_path: Path
) -> None:
    """The connection is cut before or after the server has heard of it: nobody can tell."""
    shop = House(server.target(tmp_path))
    prepare(shop, "append")

    def cut() -> bool:
        name = sessions.name("r2", "shop.t", 1)
        shop.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            f"where application_name = '{name}'"
        )
        return True

    with pytest.raises(NotYet, match="it looks what was done"):
        query_step.run(replace(second(shop, "append"), may_commit=cut))
    assert keys(shop) == [1]
    query_step.run(second(shop, "append"))
    assert keys(shop) == [1, 2]


@pytest.mark.parametrize("earlier", [True, False])
def test_a_run_that_continues_learns_from_the_table_what_the_earlier_one_did(
    house: House, earlier: bool
) -> None:
    prepare(house, "append")
    if earlier:
        query_step.run(second(house, "append"))
    for run, before in (("r3", "r2"), ("r4", "r3")):  # and the one after that
        again = house.context(SECOND, "append", run_id=run)
        options = replace(again.options, continues=before)
        query_step.run(replace(again, options=options, previous={"written": "perhaps"}))
    assert keys(house) == [1, 2]


def test_without_a_right_to_keep_a_record_that_is_said(
    server: warehouse.Server, tmp_path: Path
) -> None:
    shop = House(server.target(tmp_path))
    shop.run(FIRST)
    role = f"guest_{os.getpid()}"
    shop.sql(
        "drop table shop._bruin_fleet_loads",
        f"create role {role} login password 'guest'",
        f"grant usage on schema shop to {role}",
        f"grant all on shop.t to {role}",
    )
    (tmp_path / "guest").mkdir()
    config = shop.target.config.replace(f"username: {warehouse.USER}", f"username: {role}")
    config = config.replace(tables.PASSWORD, "guest")
    guest = House(tables.Target(folder=tmp_path / "guest", kind="postgres", config=config))
    assert guest.run(SECOND, "append") == 1
    (notice,) = guest.results[-1]["notices"]
    assert notice.startswith("at least once: if its worker dies, rows may be in shop.t twice")
    assert guest.run("select 2 as id", "delete+insert", incremental_key="id") == 1
    assert guest.results[-1]["notices"] == []  # twice is once there


def test_without_a_record_rows_that_may_be_there_are_not_added_again(tmp_path: Path) -> None:
    house = House(tables.duckdb(tmp_path))
    again = replace(house.context(SECOND, "append"), previous={"written": "perhaps"})
    config = tmp_path / ".bruin.yml"
    config.write_text(config.read_text("utf-8").replace("data/house.duckdb", "''"), "utf-8")
    with pytest.raises(StepFailed, match="may have added these rows") as refused:
        query_step.run(again)
    assert "fleet run assets/t.sql --downstream" in refused.value.hint


def test_a_record_says_at_least_once_only_where_twice_is_more(house: House) -> None:
    context = house.context(SECOND, "merge")
    assert query_fence.unrecorded(context, "why") == ""
