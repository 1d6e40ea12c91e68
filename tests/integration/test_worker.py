"""The worker process itself: fences, long tasks, clean stops, what Flower can see and ask."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from catalog import runs, workers
from tests.support.broker import Valkey
from tests.support.fleet import Fleet, asset, wait_for
from workers import levels, livelog


@pytest.fixture
def fleet(tmp_path: Path, valkey: Valkey) -> Iterator[Fleet]:
    """A fleet without workers yet."""
    fleet = Fleet(tmp_path, valkey)
    yield fleet
    fleet.close()


def test_a_task_longer_than_the_visibility_timeout_runs_once(
    tmp_path: Path, valkey: Valkey
) -> None:
    """A healthy long task keeps its message, though others look for lost ones all the time.

    The timeout leaves five renewals of two seconds each to a host that is busy.
    """
    fleet = Fleet(tmp_path, valkey, visibility=12)
    try:
        _stays_with_its_worker(fleet)
    finally:
        fleet.close()


def _stays_with_its_worker(fleet: Fleet) -> None:
    fleet.worker("w1")
    fleet.worker("w2")
    fleet.submit([asset("a", script_until="late")])
    wait_for(lambda: "start a script" in fleet.notes())
    redis, held = fleet.valkey.client(), set()
    connection: Any = fleet.app.connection_for_read()  # type: ignore[no-untyped-call]
    looker, late = connection.channel(), time.monotonic() + fleet.settings.visibility + 1

    def is_late() -> bool:
        looker.qos.restore_visible(num=10)
        assert fleet.queued() == 0
        held.update(redis.zrange(f"{fleet.settings.fleet}:unacked_index", 0, -1, withscores=True))
        return time.monotonic() > late and len(held) > 4  # it has been renewed

    wait_for(is_late)
    connection.close()
    fleet.let("late")
    assert fleet.wait("aaaaa") == "succeeded"
    assert fleet.notes() == ["start a script", "end a script"]
    assert len({tag for tag, _ in held}) == 1, "the message was delivered again"


def test_a_worker_that_was_paused_past_its_lease_records_nothing(
    tmp_path: Path, valkey: Valkey
) -> None:
    """Another does its step meanwhile; it finds that when it wakes, and that end stands."""
    fleet = Fleet(tmp_path, valkey, lease=8)
    try:
        _is_paused(fleet)
    finally:
        fleet.close()


def _is_paused(fleet: Fleet) -> None:
    first = fleet.worker("w1")
    fleet.submit([asset("a", script_until="awake")])
    wait_for(lambda: "start a script" in fleet.notes())
    tree = [first.pid, *(child.pid for child in psutil.Process(first.pid).children(True))]
    _signal_all(tree, signal.SIGSTOP)
    fleet.worker("w2")
    wait_for(lambda: fleet.notes().count("start a script") == 2)
    _signal_all(tree, signal.SIGCONT)
    wait_for(lambda: {"stopped a script fenced", "stopped a script cut off"} & {*fleet.notes()})
    fleet.let("awake")
    assert fleet.wait("aaaaa") == "succeeded"
    tries = [(str(a.state), a.worker) for a in runs.attempts(fleet.engine, "aaaaa")]
    assert tries == [("lost", "w1"), ("succeeded", "w2")]


def _signal_all(pids: list[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # it looked for Pythons, and has ended
            os.kill(pid, number)


def test_a_worker_told_to_stop_ends_its_step_first(fleet: Fleet) -> None:
    """SIGTERM is a warm stop; the rest of the run waits for the next worker."""
    first = fleet.worker("w1")
    fleet.submit([asset("a", script_seconds=1.5)], [asset("b", upstreams=("a",))])
    wait_for(lambda: "start a script" in fleet.notes())
    first.terminate()
    assert first.wait(120) == 0
    assert "end a script" in fleet.notes()
    assert not workers.living(fleet.engine, fleet.settings.fleet)
    fleet.worker("w2")
    assert fleet.wait("aaaaa") == "succeeded"


def test_a_worker_is_known_while_it_lives(fleet: Fleet) -> None:
    """Its row says where it runs and how much it can do."""
    fleet.worker("w1")
    wait_for(lambda: workers.living(fleet.engine, fleet.settings.fleet))
    (view,) = workers.living(fleet.engine, fleet.settings.fleet)
    assert (view.info.name, view.info.slots, view.info.queues) == ("w1", 2, ("fleet",))


def test_control_messages_can_look_but_not_touch(fleet: Fleet) -> None:
    """Whoever can write to the broker cannot stop a worker or revoke a task by message."""
    process = fleet.worker("w1")
    wait_for(lambda: workers.living(fleet.engine, fleet.settings.fleet))
    assert fleet.asked("ping")
    control = fleet.app.control
    control.shutdown()
    control.pool_shrink(2)
    answer = control.inspect(timeout=2, limit=1).conf()
    assert answer is None or "error" in str(answer)
    fleet.submit([asset("a")])
    assert fleet.wait("aaaaa") == "succeeded"
    assert process.poll() is None


def test_the_broker_address_is_in_no_command_line(fleet: Fleet) -> None:
    """Neither the worker's nor its children's arguments show the password."""
    process = fleet.worker("w1")
    wait_for(lambda: workers.living(fleet.engine, fleet.settings.fleet))
    tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(True)]
    assert len(tree) >= 3  # it may be looking for Pythons just now
    assert not [p for p in tree if fleet.valkey.password in _started_with(p)]


def _started_with(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has ended
        return ""


def test_a_project_with_our_names_does_not_get_in_the_way(fleet: Fleet) -> None:
    """The folder that a worker is started in holds a celery.py and a workers package."""
    for name in ("celery.py", "json.py", "redis.py"):
        (fleet.folder / name).write_text("raise RuntimeError('imported')\n", encoding="utf-8")
    (fleet.folder / "workers").mkdir()
    (fleet.folder / "workers" / "__init__.py").write_text("raise RuntimeError\n", encoding="utf-8")
    fleet.worker("w1")
    fleet.submit([asset("a")])
    assert fleet.wait("aaaaa") == "succeeded"


def test_lines_of_a_step_reach_a_follower_and_the_file(fleet: Fleet) -> None:
    """From the pool child through the broker, while the step runs."""
    fleet.worker("w1")
    fleet.submit([asset("a", script_lines=3, script_until="seen")])
    follower = livelog.Follower(livelog.client(fleet.settings), fleet.settings.fleet, "aaaaa")
    seen: list[str] = []
    wait_for(lambda: seen.extend(line.text for line in follower.read(1.0)) or len(seen) >= 3)
    assert seen == ["a line 0", "a line 1", "a line 2"]
    assert "end a script" not in fleet.notes()
    fleet.let("seen")
    assert fleet.wait("aaaaa") == "succeeded"


def test_a_level_of_a_thousand_is_published_without_waiting(fleet: Fleet) -> None:
    """One connection, no subscription per message: the time grows with the level, no worse."""
    fleet.submit([asset(f"a{number}") for number in range(1000)], send=False)
    connections = int(fleet.valkey.client().info("stats")["total_connections_received"])
    levels.advance(fleet.engine, fleet.app, "aaaaa")
    stats = fleet.valkey.client().info("stats")
    assert fleet.queued() == 1000
    assert int(stats["total_connections_received"]) - connections < 10


def test_a_worker_without_a_broker_says_what_is_missing(tmp_path: Path) -> None:
    """A clear word and exit code 2 instead of a retry loop."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "FLEET_CONFIG": ""}
    argv = [sys.executable, "-P", "-m", "workers.main"]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, "FLEET_BROKER" in done.stderr) == (2, True)
