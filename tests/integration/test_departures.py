"""Workers that are told to go, or to take nothing new, and versions that do not fit."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from catalog import runs, workers
from dispatcher import worker_text
from tests.support import trees
from tests.support.broker import Valkey
from tests.support.cli import Cli
from tests.support.fleet import Fleet, asset, wait_for
from workers import contract, levels


@pytest.fixture
def fleet(tmp_path: Path, valkey: Valkey) -> Iterator[Fleet]:
    """A fleet without workers yet."""
    fleet = Fleet(tmp_path, valkey, stop_grace=1)
    yield fleet
    fleet.close()


def test_a_rolling_upgrade_runs_every_step_once(fleet: Fleet) -> None:
    """The new worker goes on while the old one ends what it runs."""
    names = [f"a{number}" for number in range(6)]
    later = [asset(f"b{number}", upstreams=tuple(names)) for number in range(2)]
    old = fleet.worker("old")
    fleet.submit([asset(name, script_until="drains") for name in names], later)
    wait_for(lambda: len(fleet.notes()) == 2)
    fleet.worker("new")
    old.terminate()
    wait_for(lambda: states(fleet).get("old") == "draining")
    fleet.let("drains")
    assert old.wait(120) == 0
    assert fleet.wait("aaaaa") == "succeeded"
    done = [*names, "b0", "b1"]
    assert sorted(note for note in fleet.notes() if "start" in note) == [
        f"start {name} script" for name in sorted(done)
    ]
    assert {a.worker for a in runs.attempts(fleet.engine, "aaaaa")} == {"old", "new"}


def test_asked_twice_a_worker_gives_back_what_it_runs(fleet: Fleet) -> None:
    """At once, as no loss: the next worker begins the step anew, though it has no retries."""
    first = fleet.worker("w1")
    fleet.submit([asset("a", script_tree=1)])
    wait_for(lambda: trees.lives(fleet.folder))
    first.send_signal(signal.SIGINT)
    wait_for(lambda: states(fleet).get("w1") == "draining")
    assert trees.members(fleet.folder)
    first.send_signal(signal.SIGTERM)
    assert first.wait(120) == 0
    assert not trees.members(fleet.folder)
    (view,) = runs.step_views(fleet.engine, "aaaaa")
    (attempt,) = runs.attempts(fleet.engine, "aaaaa")
    assert (str(view.state), str(attempt.state)) == ("queued", "cancelled")
    fleet.worker("w2")
    assert fleet.wait("aaaaa") == "succeeded"
    with fleet.engine.connect() as connection:
        assert connection.scalar(text("SELECT losses FROM steps")) == 0


def test_a_drained_worker_ends_what_it_runs_and_then_stays_idle(fleet: Fleet) -> None:
    fleet.worker("w1")
    fleet.submit([asset("a", script_seconds=4)])
    wait_for(lambda: "start a script" in fleet.notes())
    command = Cli(fleet.settings.home, fleet.folder, {"FLEET_BROKER": fleet.valkey.url})
    told = json.loads(command("drain", "w1", "--wait", "--json").stdout)["worker"]
    assert (told["state"], told["running"]) == ("draining", [])
    assert fleet.states("aaaaa")["a"] == "succeeded"
    nobody = command("drain", "w11")
    assert (nobody.returncode, "did you mean w1?" in nobody.stderr) == (1, True)
    fleet.submit([asset("c")], run_id="bbbbb")
    fleet.worker("w2")
    assert fleet.wait("aaaaa") == fleet.wait("bbbbb") == "succeeded"
    ran = {a.asset: a.worker for r in ("aaaaa", "bbbbb") for a in runs.attempts(fleet.engine, r)}
    assert ran == {"a": "w1", "c": "w2"}


def test_a_worker_that_is_drained_no_more_takes_work_again(fleet: Fleet) -> None:
    fleet.worker("w1")
    wait_for(lambda: "w1" in states(fleet))
    workers.drain(fleet.engine, "w1")
    wait_for(lambda: not consumed(fleet))
    workers.drain(fleet.engine, "w1", undo=True)
    wait_for(lambda: consumed(fleet))
    fleet.submit([asset("a")])
    assert fleet.wait("aaaaa") == "succeeded"
    assert states(fleet) == {"w1": "ready"}


def test_a_run_of_another_contract_waits_and_says_for_whom(fleet: Fleet) -> None:
    """Nothing is lost: its own kind of worker may come."""
    fleet.worker("w1")
    fleet.submit([asset("a")], send=False)
    speak(fleet, contract.VERSION + 1)
    levels.advance(fleet.engine, fleet.app, "aaaaa")
    words = f"speaks contract {contract.VERSION + 1}"
    wait_for(lambda: words in runs.step_views(fleet.engine, "aaaaa")[0].reason)
    assert fleet.notes() == []
    speak(fleet, contract.VERSION)
    assert fleet.wait("aaaaa") == "succeeded"


def test_a_worker_refuses_a_catalog_of_a_newer_version_in_words(fleet: Fleet) -> None:
    with fleet.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert fleet.worker("w1").wait(120) == 1
    assert "install the version that made it" in (fleet.folder / "w1.out").read_text("utf-8")


def states(fleet: Fleet) -> dict[str, str]:
    """What people see of the workers that have not left."""
    seen = worker_text.seen(fleet.engine, fleet.settings.lease)
    return {worker.name: worker.state for worker in seen if worker.state != "left"}


def consumed(fleet: Fleet) -> list[str]:
    """The queues that workers take from, by their own account."""
    return [queue["name"] for queue in fleet.asked("active_queues")]


def speak(fleet: Fleet, version: int) -> None:
    """Let the run have been submitted by a fleet of this contract."""
    with fleet.engine.begin() as connection:
        connection.execute(text("UPDATE runs SET contract = :v"), {"v": version})
