"""Steps that wait for a time, in a real worker: on time, without a slot, beside other work."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from catalog import levels, runs, workers
from tests.support.broker import Valkey
from tests.support.fleet import Fleet, asset, wait_for
from workers import reconcile


@pytest.fixture
def fleet(tmp_path: Path, valkey: Valkey) -> Iterator[Fleet]:
    """A fleet of one slot whose reconcile comes too late to be of help."""
    fleet = Fleet(tmp_path, valkey, slots=1, reconcile_every=600)
    yield fleet
    fleet.close()


def test_a_step_that_must_wait_leaves_its_slot_to_others(fleet: Fleet) -> None:
    fleet.worker("w1")
    fleet.submit([asset("a", script_waits=1, script_every=4.0), asset("b", script_seconds=0.2)])
    assert fleet.wait("aaaaa") == "succeeded"
    notes = fleet.notes()
    assert notes.index("end b script") < notes.index("end a script")
    assert notes.count("wait a script") == 1


def test_a_step_that_waits_is_sent_on_time_again_and_again(fleet: Fleet) -> None:
    """Neither reconcile nor the heart's own tick of a second would be so quick."""
    fleet.worker("w1")
    fleet.submit([asset("a", script_waits=10, script_every=0.2)], [asset("b", upstreams=("a",))])
    assert fleet.wait("aaaaa") == "succeeded"
    assert [a.state for a in runs.attempts(fleet.engine, "aaaaa", "a")] == ["deferred", "succeeded"]


def test_a_waiting_step_says_why_and_when(fleet: Fleet) -> None:
    fleet.worker("w1")
    fleet.submit([asset("a", script_waits=1, script_every=600.0)])
    wait_for(lambda: "wait a script" in fleet.notes())
    wait_for(lambda: runs.asset_runs(fleet.engine, "aaaaa")[0].reason == "not yet there")
    (view,) = runs.asset_runs(fleet.engine, "aaaaa")
    now = runs.get(fleet.engine, "aaaaa").now
    assert (view.state, view.step_state) == ("running", "queued")
    assert 500 < view.not_before - now <= 600


def test_a_waiting_run_that_is_cancelled_ends_at_once(fleet: Fleet) -> None:
    fleet.worker("w1")
    fleet.submit([asset("a", script_waits=1, script_every=600.0)])
    wait_for(lambda: "wait a script" in fleet.notes())
    wait_for(lambda: runs.asset_runs(fleet.engine, "aaaaa")[0].reason == "not yet there")
    runs.cancel(fleet.engine, "aaaaa", "enough")
    assert str(runs.get(fleet.engine, "aaaaa").state) == "cancelled"


def test_all_steps_of_an_asset_may_wait_and_the_run_goes_on(fleet: Fleet) -> None:
    fleet.worker("w1")
    steps = ("materialize", "load", "checks")
    waits: dict[str, Any] = {f"{step}_waits": 2 for step in steps}
    waits |= {f"{step}_every": 0.1 for step in steps}
    fleet.submit([asset("a", *steps, **waits)], [asset("b", upstreams=("a",))])
    assert fleet.wait("aaaaa") == "succeeded"
    assert [note for note in fleet.notes() if note.startswith("end")] == [
        "end a materialize",
        "end a load",
        "end a checks",
        "end b script",
    ]


def test_a_broken_run_does_not_keep_others_from_being_healed(fleet: Fleet) -> None:
    """Its spec cannot be read; the run after it in the same look is sent all the same."""
    for name in ("aaaaa", "bbbbb"):
        fleet.submit([asset("a", script_seconds=0.1)], run_id=name, send=False)
        levels.begin(fleet.engine, name)
        fleet.age(name, 60)
    with fleet.engine.begin() as connection:
        connection.execute(text("UPDATE asset_runs SET spec_json = '{' WHERE run_id = 'aaaaa'"))
    reconcile.run_once(fleet.engine, fleet.app, fleet.settings)
    fleet.worker("w1")
    assert fleet.wait("bbbbb") == "succeeded"


def test_many_lost_messages_are_sent_again_with_few_questions(fleet: Fleet) -> None:
    """The heart that asks them must not miss its own beats."""
    names = [f"a{number}" for number in range(40)]
    fleet.submit([asset(name) for name in names], send=False)
    levels.begin(fleet.engine, "aaaaa")
    fleet.age("aaaaa", 60)
    asked: list[object] = []
    event.listen(fleet.engine, "before_cursor_execute", lambda *given: asked.append(given))
    reconcile.run_once(fleet.engine, fleet.app, fleet.settings)
    assert fleet.queued() == len(names)
    assert len(asked) < len(names)


def test_a_broker_that_hangs_keeps_no_heart_from_beating(fleet: Fleet) -> None:
    """It is asked whether it is there before anything is sent, which would wait for minutes."""
    fleet.worker("w1")
    fleet.submit([asset("a", script_waits=1, script_every=1.0)])
    wait_for(lambda: runs.asset_runs(fleet.engine, "aaaaa")[0].reason == "not yet there")
    os.kill(fleet.valkey.pid, signal.SIGSTOP)
    try:
        time.sleep(2)  # the step is due meanwhile
        for _ in range(3):
            beat = _beat(fleet)
            wait_for(lambda beat=beat: _beat(fleet) > beat, 30)
    finally:
        os.kill(fleet.valkey.pid, signal.SIGCONT)
    assert fleet.wait("aaaaa") == "succeeded"


def _beat(fleet: Fleet) -> float:
    """When the worker was last heard of."""
    (view,) = workers.living(fleet.engine, fleet.settings.fleet, 1000)
    return view.beat_at
