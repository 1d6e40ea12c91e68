"""Levels as chords on a real broker: whatever happens to messages, processes and data, runs end."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog import levels as catalog_levels
from catalog import runs
from tests.support.broker import Valkey
from tests.support.fleet import Fleet, asset, wait_for
from workers import levels, reconcile


@pytest.fixture
def fleet(tmp_path: Path, valkey: Valkey) -> Iterator[Fleet]:
    """A fleet without workers yet."""
    fleet = Fleet(tmp_path, valkey)
    yield fleet
    fleet.close()


def test_a_level_begins_when_the_one_before_has_ended(fleet: Fleet) -> None:
    """Steps of a chain follow one another, levels too."""
    fleet.worker()
    fleet.submit(
        [asset("a", script_seconds=0.3), asset("b", "materialize", "load", "checks")],
        [asset("c", upstreams=("a", "b"))],
    )
    assert fleet.wait("aaaaa") == "succeeded"
    notes = fleet.notes()
    assert notes.index("start c script") > notes.index("end a script")
    assert [n for n in notes if n.startswith("end b")] == [
        "end b materialize",
        "end b load",
        "end b checks",
    ]


def test_work_goes_through_the_broker(fleet: Fleet) -> None:
    """Without a worker nothing runs; the first one that comes does it all."""
    fleet.submit([asset("a")])
    wait_for(lambda: fleet.queued() == 1)
    assert fleet.states("aaaaa") == {"a": "queued"}
    fleet.worker()
    assert fleet.wait("aaaaa") == "succeeded"


def test_what_has_begun_is_ended_before_more_begins(valkey: Valkey, tmp_path: Path) -> None:
    """Loads, of which a file takes one at a time, go on beside the other assets of their level."""
    fleet = Fleet(tmp_path, valkey, slots=1)
    try:
        fleet.worker()
        fleet.submit([asset(name, "materialize", "load") for name in "abc"])
        assert fleet.wait("aaaaa") == "succeeded"
    finally:
        fleet.close()
    started = [note.split()[1:] for note in fleet.notes() if note.startswith("start")]
    assert [step for _, step in started] == ["materialize", "load"] * 3
    assert [name for name, _ in started] == sorted([*"abc"] * 2, key=[n for n, _ in started].index)


def test_a_failure_ends_its_chain_and_what_depends_on_it(fleet: Fleet) -> None:
    """All else goes on, and the reasons are in words."""
    fleet.worker()
    fleet.submit(
        [asset("bad", "materialize", "load", materialize_fails="no such column"), asset("good")],
        [asset("child", upstreams=("bad",)), asset("other", upstreams=("good",))],
        [asset("grandchild", upstreams=("child",))],
    )
    assert fleet.wait("aaaaa") == "failed"
    assert fleet.states("aaaaa") == {
        "bad": "failed",
        "good": "succeeded",
        "child": "upstream_failed",
        "other": "succeeded",
        "grandchild": "upstream_failed",
    }
    reasons = {row.asset: row.reason for row in runs.asset_runs(fleet.engine, "aaaaa")}
    assert "no such column" in reasons["bad"]
    assert "bad" in reasons["child"]
    assert not [note for note in fleet.notes() if "load" in note]


def test_a_failed_check_shows_as_a_failure(fleet: Fleet) -> None:
    """A check that does not pass fails its asset, and each result is kept."""
    fleet.worker()
    fleet.submit([asset("a", "checks", checks_bad=True)])
    assert fleet.wait("aaaaa") == "failed"
    assert [row.passed for row in runs.check_results(fleet.engine, "aaaaa")] == [False]


def test_an_error_that_nobody_expected_is_recorded(fleet: Fleet) -> None:
    """A fault in a step function ends its step with its words, not the worker."""
    fleet.worker()
    fleet.submit([asset("a", script_raises="a bug"), asset("b", script_seconds=0.5)])
    assert fleet.wait("aaaaa") == "failed"
    assert fleet.states("aaaaa") == {"a": "failed", "b": "succeeded"}
    (row,) = [row for row in runs.asset_runs(fleet.engine, "aaaaa") if row.asset == "a"]
    assert "RuntimeError: a bug" in row.reason


def test_a_step_that_kills_its_process_every_time_is_quarantined(fleet: Fleet) -> None:
    """The worker sees each death without waiting for the lease, and goes on with the rest."""
    fleet.worker()
    fleet.submit([asset("dies", script_dies=True), asset("b")], [asset("c", upstreams=("b",))])
    assert fleet.wait("aaaaa") == "failed"
    assert fleet.states("aaaaa") == {"dies": "failed", "b": "succeeded", "c": "succeeded"}
    reasons = {row.asset: row.reason for row in runs.asset_runs(fleet.engine, "aaaaa")}
    assert reasons["dies"].startswith("quarantined after 4 losses")
    assert fleet.notes().count("start dies script") == 4


def test_what_a_killed_worker_ran_is_run_by_another_once_its_lease_is_over(
    valkey: Valkey, tmp_path: Path
) -> None:
    """The run ends as if nothing had happened."""
    fleet = Fleet(tmp_path, valkey, lease=8)
    try:
        first = fleet.worker("w1")
        fleet.submit([asset("a", script_hangs=1), asset("b")], [asset("c", upstreams=("a", "b"))])
        wait_for(lambda: "start a script" in fleet.notes())
        wait_for(lambda: fleet.states("aaaaa")["b"] == "succeeded")
        os.killpg(first.pid, signal.SIGKILL)
        fleet.worker("w2")
        assert fleet.wait("aaaaa") == "succeeded"
    finally:
        fleet.close()
    assert fleet.notes().count("start a script") == 2
    assert fleet.notes().count("start c script") == 1


def test_duplicated_messages_run_nothing_twice(fleet: Fleet) -> None:
    """Every message of the level is delivered twice; the copies find the claims taken."""
    chain = ("materialize", "load", "checks")
    fleet.submit(
        [asset(name, *chain, load_seconds=0.2) for name in "abc"],
        [asset("last", upstreams=("a", "b", "c"))],
        send=False,
    )
    levels.advance(fleet.engine, fleet.app, "aaaaa")
    double_queue(fleet)
    fleet.worker()
    assert fleet.wait("aaaaa") == "succeeded"
    starts = [note for note in fleet.notes() if note.startswith("start")]
    assert len(starts) == len(set(starts)) == 10


def test_a_lost_message_is_sent_again(fleet: Fleet) -> None:
    """The catalog knows what is queued; a broker that forgets it delays, no more."""
    fleet.submit([asset("a"), asset("b")], [asset("c", upstreams=("a",))], send=False)
    levels.advance(fleet.engine, fleet.app, "aaaaa")
    fleet.valkey.client().delete(*fleet.queues())
    fleet.age("aaaaa", 60)
    fleet.worker()
    assert fleet.wait("aaaaa") == "succeeded"


def test_a_lost_first_message_is_found(fleet: Fleet) -> None:
    """A run whose one message never arrived begins all the same."""
    fleet.submit([asset("a")], send=False)
    fleet.age("aaaaa", 60)
    fleet.worker()
    assert fleet.wait("aaaaa") == "succeeded"


def test_a_crash_between_the_decision_and_its_messages_is_healed(fleet: Fleet) -> None:
    """The level was opened in the catalog, and nothing of it ever sent."""
    fleet.submit([asset("a"), asset("b")], send=False)
    catalog_levels.advance(fleet.engine, "aaaaa")
    fleet.age("aaaaa", 60)
    fleet.worker()
    assert fleet.wait("aaaaa") == "succeeded"


def test_a_broker_that_lost_its_data_delays_the_run_only(fleet: Fleet) -> None:
    """FLUSHALL in the middle of a level: chord, queue and results are gone, the run ends well."""
    fleet.worker()
    level = [asset("a", script_until="emptied"), asset("b")]
    fleet.submit(level, [asset("c", upstreams=("a", "b"))])
    wait_for(lambda: "start a script" in fleet.notes())
    fleet.valkey.client().flushall()
    fleet.let("emptied")
    assert fleet.wait("aaaaa") == "succeeded"
    assert fleet.notes().count("start a script") == 1


def test_a_broker_restart_kills_no_worker_and_runs_nothing_twice(fleet: Fleet) -> None:
    """An outage of two seconds while steps run and while one of them ends."""
    worker = fleet.worker()
    fleet.submit(
        [asset("long", script_until="back"), asset("short", script_until="away")],
        [asset("c", upstreams=("long",))],
    )
    wait_for(lambda: len([note for note in fleet.notes() if note.startswith("start")]) == 2)
    fleet.valkey.stop()
    fleet.let("away")
    wait_for(lambda: "end short script" in fleet.notes())
    time.sleep(2)  # Celery's own worker would end meanwhile
    fleet.valkey.start()
    fleet.let("back")
    assert fleet.wait("aaaaa") == "succeeded"
    assert worker.poll() is None
    starts = [note for note in fleet.notes() if note.startswith("start")]
    assert sorted(starts) == ["start c script", "start long script", "start short script"]


def test_a_cancelled_run_stops_what_runs(fleet: Fleet) -> None:
    """The step hears of it within a second or two, and what waits never begins."""
    fleet.worker()
    fleet.submit([asset("a", script_seconds=60)], [asset("b", upstreams=("a",))])
    wait_for(lambda: "start a script" in fleet.notes())
    runs.cancel(fleet.engine, "aaaaa", "no longer wanted")
    assert fleet.wait("aaaaa") == "cancelled"
    assert fleet.states("aaaaa") == {"a": "cancelled", "b": "cancelled"}
    assert "stopped a script cancelled" in fleet.notes()


def test_a_cap_on_a_run_holds_its_steps_back_without_a_slot(fleet: Fleet) -> None:
    """`--workers 1`: one step of the run at a time, though the worker has two slots."""
    fleet.worker()
    fleet.submit([asset(name, script_seconds=0.3) for name in "abcd"], workers=1)
    assert fleet.wait("aaaaa") == "succeeded"
    kinds = [note.split()[0] for note in fleet.notes()]
    assert kinds == ["start", "end"] * 4


def test_two_healers_at_once_do_no_harm(fleet: Fleet) -> None:
    """Reconcile may run on every worker and in every CLI at the same time."""
    fleet.worker()
    fleet.submit([asset("a", script_until="healed")], [asset("b", upstreams=("a",))])
    wait_for(lambda: "start a script" in fleet.notes())
    for _ in range(5):
        reconcile.run_once(fleet.engine, fleet.app, fleet.settings)
    fleet.let("healed")
    assert fleet.wait("aaaaa") == "succeeded"
    assert len([note for note in fleet.notes() if note.startswith("start")]) == 2


def test_a_worker_ends_with_its_lifeline(fleet: Fleet) -> None:
    """Whoever started an embedded fleet died: worker and pool children are gone at once."""
    read, write = os.pipe()
    process = fleet.worker("w1", lifeline=read)
    os.close(read)
    fleet.submit([asset("a", script_seconds=60)])
    wait_for(lambda: "start a script" in fleet.notes())
    os.close(write)
    wait_for(lambda: process.poll() is not None)
    wait_for(lambda: not group_lives(process.pid))


def test_messages_that_are_not_ours_run_nothing(fleet: Fleet) -> None:
    """Celery's own tasks and strange arguments are refused, and the worker goes on."""
    fleet.worker()
    fleet.app.send_task("celery.map", args=({"task": "fleet.script"}, [["aaaaa", "a"]]))
    fleet.app.send_task("fleet.script", args=({"run": "aaaaa"}, "a"))
    fleet.app.send_task("fleet.advance", args=("no such run",))
    fleet.submit([asset("a")])
    assert fleet.wait("aaaaa") == "succeeded"
    assert fleet.notes() == ["start a script", "end a script"]


def double_queue(fleet: Fleet) -> None:
    """Put a second copy of every waiting message into the queue, as a redelivery would."""
    redis = fleet.valkey.client()
    for queue in fleet.queues():
        for raw in redis.lrange(queue, 0, -1):
            message = json.loads(raw)
            message["properties"]["delivery_tag"] += "-again"
            redis.lpush(queue, json.dumps(message))


def group_lives(group: int) -> bool:
    """Whether any process of a process group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
