"""dispatcher.why: what an asset waits for, in words, from the catalog alone."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from catalog import claims, levels, placing, runs, workers
from catalog.claims import StepError, Want
from catalog.workers import WorkerInfo
from dispatcher import why
from dispatcher.cli import cli
from dispatcher.problems import FleetError
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record

LOCK = Want(name="duckdb:/data/shop.db", what="duckdb:shop")


def begun(engine: Engine, *named: Sequence[str]) -> str:
    """A run of these levels whose first has begun; each asset needs all of the level before."""
    made = [
        [asset(name, *(named[n - 1] if n else ())) for name in level]
        for n, level in enumerate(named)
    ]
    run_id = record(engine, plan(*made))
    c.begin(engine, run_id)
    levels.confirm_sent(engine, run_id, list(named[0]))
    return run_id


def told(engine: Engine, run_id: str, name: str) -> str:
    """All the reasons, as one text."""
    scene = why.scene(engine, runs.get(engine, run_id), name, 20.0)
    return "\n".join(f"{cause.text} [{cause.look}]" for cause in why.causes(scene))


def a_worker(engine: Engine, name: str = "w1", *queues: str) -> None:
    """A worker that has just said that it lives."""
    info = WorkerInfo(
        name=name, fleet="fleet", host="h1", pid=7, slots=2, queues=queues or ("fleet",)
    )
    workers.register(engine, info)


def test_an_asset_of_a_later_level_waits_for_what_runs_now(engine: Engine) -> None:
    run_id = begun(engine, ["a", "b"], ["c"])
    c.take(engine, run_id, "a")
    text = told(engine, run_id, "c")
    assert "its level, 1, has not begun: level 0 goes on" in text
    assert f"upstream a is running (script) on w1 [fleet why {run_id} a]" in text
    assert "upstream b is queued" in text


def test_a_sent_step_says_where_it_waits_and_who_listens(engine: Engine) -> None:
    run_id = begun(engine, ["a"])
    assert "no worker of fleet 'fleet' lives" in told(engine, run_id, "a")
    a_worker(engine)
    text = told(engine, run_id, "a")
    assert "its step script was sent to queue fleet" in text
    assert "worker w1 on host h1 listens there, with 2 of its 2 slots free" in text
    workers.drain(engine, "w1")
    assert "is drained: it takes nothing new" in told(engine, run_id, "a")


def test_a_queue_without_takers_is_named(engine: Engine) -> None:
    run_id = begun(engine, ["a"])
    a_worker(engine)
    reason = "no living worker takes queue b1: start one with `fleet worker --queues b1`"
    placing.note(engine, run_id, "b1", ["a"], reason)
    text = told(engine, run_id, "a")
    assert reason in text
    assert "no living worker listens to queue b1" in text


def test_a_lock_has_a_holder(engine: Engine) -> None:
    run_id = begun(engine, ["a", "b"])
    c.take(engine, run_id, "a", locks=[LOCK])
    c.try_to_take(engine, run_id, "b", locks=[LOCK])
    text = told(engine, run_id, "b")
    assert "waits for the lock on duckdb:shop (a) since" in text
    assert f"a (script) of run {run_id} holds it on w1 since" in text


def test_a_running_step_says_where_and_how_far_it_is(engine: Engine) -> None:
    run_id = begun(engine, ["a"])
    a_worker(engine)
    claim = c.take(engine, run_id, "a")
    claims.renew(engine, claim, progress={"rows": 10, "total": 2_000})
    text = told(engine, run_id, "a")
    assert "worker w1 on host h1, pid 1, attempt 1 of 1" in text
    assert "10 rows of 2,000" in text
    assert "its claim was renewed" in text
    c.expire(engine, claim)
    assert "worker w1 is silent" in told(engine, run_id, "a")


def test_a_sensor_and_a_retry_say_when(engine: Engine) -> None:
    run_id = begun(engine, ["a"])
    claims.defer(engine, c.take(engine, run_id, "a"), "its query gave 0", 300.0)
    text = told(engine, run_id, "a")
    assert re.search(r"is tried again in [45]m \d\ds: its query gave 0", text), text


def test_a_chain_of_failures_leads_to_where_it_began(engine: Engine) -> None:
    run_id = begun(engine, ["a"], ["b"], ["c"])
    error = StepError(kind="script", message="no such table", hint="make it first")
    claims.fail(engine, c.take(engine, run_id, "a"), error)
    levels.advance(engine, run_id)
    text = told(engine, run_id, "c")
    assert "upstream b is upstream failed" in text
    assert f"upstream a is failed: no such table [fleet logs {run_id} a]" in text
    assert "it failed in script" in told(engine, run_id, "a")
    assert "make it first" in told(engine, run_id, "a")


def test_the_verb_takes_the_newest_run_and_speaks_json(engine: Engine, tmp_path: Path) -> None:
    run_id = begun(engine, ["a"])
    flags = ["--home", str(tmp_path), "--catalog", f"sqlite:///{tmp_path}/catalog.db"]
    shown = CliRunner().invoke(cli, ["why", "a", *flags], standalone_mode=False)
    assert f"a is queued in run {run_id}" in shown.stdout
    asked = CliRunner().invoke(cli, ["why", run_id, "a", "--json", *flags], standalone_mode=False)
    facts = json.loads(asked.stdout)
    assert (facts["run"], facts["asset"], facts["state"]) == (run_id, "a", "queued")
    assert facts["causes"][0]["text"]
    with pytest.raises(FleetError, match=f"an asset of run {run_id} is to be named"):
        CliRunner().invoke(
            cli, ["why", run_id, *flags], standalone_mode=False, catch_exceptions=False
        )


def test_a_step_that_ends_while_it_is_asked_about_is_over(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And does not wait in a queue."""
    run_id = begun(engine, ["a"])
    claim, read = c.take(engine, run_id, "a"), {}

    def then_it_ends(name: str) -> Callable[..., Any]:
        def ask(*args: Any) -> Any:
            found = read[name](*args)
            claims.succeed(engine, claim, {})
            return found

        return ask

    for name in ("asset_runs", "step_views"):
        read[name] = getattr(runs, name)
        monkeypatch.setattr(runs, name, then_it_ends(name))
    assert told(engine, run_id, "a").startswith("it is over: succeeded")
