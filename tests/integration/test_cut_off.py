"""What a step started is gone before its lease is over, whatever happened to its worker."""

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from catalog import runs
from tests.support import trees
from tests.support.broker import Valkey
from tests.support.fleet import Fleet, asset, wait_for


@pytest.fixture
def fleet(tmp_path: Path, valkey: Valkey) -> Iterator[Fleet]:
    """A fleet without workers yet.

    A quarter of its lease is for ending what runs: seconds, also for a host that is busy.
    """
    fleet = Fleet(tmp_path, valkey, stop_grace=1, lease=12)
    yield fleet
    fleet.close()
    wait_for(lambda: not trees.members(tmp_path))


def grown(fleet: Fleet) -> psutil.Process:
    """A worker in the middle of a step whose tree lives; only the first try grows one."""
    worker = fleet.worker("w1")
    fleet.submit([asset("a", script_tree=1)])
    wait_for(lambda: trees.lives(fleet.folder))
    return psutil.Process(worker.pid)


def all_but_guardian(worker: psutil.Process) -> list[psutil.Process]:
    return [worker, *worker.children()]


def pool_child(worker: psutil.Process) -> list[psutil.Process]:
    parent = guardian(worker).parent()
    assert parent is not None
    return [parent]


def guardian(worker: psutil.Process) -> psutil.Process:
    """That of the one step; a worker that looks for Pythons has other children for a moment."""
    (found,) = [p for p in worker.children(recursive=True) if guards(p)]
    return found


def guards(process: psutil.Process) -> bool:
    try:
        return "supervisor_main" in str(process.cmdline())
    except psutil.Error:  # it has ended
        return False


def signal_all(processes: list[psutil.Process], number: int) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


@pytest.mark.parametrize("paused", [all_but_guardian, pool_child])
def test_the_tree_of_a_paused_worker_is_dead_before_its_lease_is_over(
    fleet: Fleet, paused: Callable[[psutil.Process], list[psutil.Process]]
) -> None:
    stopped = paused(grown(fleet))
    signal_all(stopped, signal.SIGSTOP)
    until = lease_of(fleet)
    wait_for(lambda: not trees.members(fleet.folder))
    assert trees.last_beat(fleet.folder) < until
    signal_all(stopped, signal.SIGCONT)
    assert fleet.wait("aaaaa") == "succeeded"


def test_a_killed_guardian_takes_the_tree_along(fleet: Fleet) -> None:
    """Also the member that has a session of its own; the step begins anew."""
    guardian(grown(fleet)).kill()
    wait_for(lambda: not trees.members(fleet.folder))
    assert fleet.wait("aaaaa") == "succeeded"


def test_a_guardian_that_does_not_answer_is_given_up_with_its_tree(fleet: Fleet) -> None:
    """A cancelled run ends, though nobody asks the tree to."""
    guardian(grown(fleet)).send_signal(signal.SIGSTOP)
    runs.cancel(fleet.engine, "aaaaa", "no longer wanted")
    assert fleet.wait("aaaaa") == "cancelled"
    assert not trees.members(fleet.folder)


def test_a_paused_main_process_stops_nothing_that_runs(fleet: Fleet) -> None:
    """The process that works renews for itself, past the lease, and records the end."""
    worker = fleet.worker("w1")
    fleet.submit([asset("a", script_until="late")], [asset("b", upstreams=("a",))])
    wait_for(lambda: "start a script" in fleet.notes())
    os.kill(worker.pid, signal.SIGSTOP)
    until = lease_of(fleet)
    fleet.worker("w2")
    wait_for(lambda: now(fleet) > until + 1)
    fleet.let("late")
    assert fleet.wait("aaaaa") == "succeeded"
    assert fleet.notes() == [f"{what} {name} script" for name in "ab" for what in ("start", "end")]


def test_a_worker_that_reaches_neither_catalog_nor_broker_ends_what_it_runs(fleet: Fleet) -> None:
    """Before anybody else may begin; when both are back the step runs anew, as after a loss."""
    grown(fleet)
    with locked(fleet):
        fleet.valkey.kill()
        wait_for(lambda: not trees.members(fleet.folder))
        until = lease_of(fleet)
    assert trees.last_beat(fleet.folder) < until
    fleet.valkey.start()
    assert fleet.wait("aaaaa") == "succeeded"
    with fleet.engine.connect() as connection:
        losses = connection.scalar(text("SELECT losses FROM steps"))
    assert losses == 1


def test_an_outage_of_the_catalog_alone_ends_nothing_and_buries_nobody(fleet: Fleet) -> None:
    """The step goes on past its lease; whoever looks first afterwards waits for a lease."""
    fleet.worker("w1")
    fleet.submit([asset("a", script_until="late")])
    wait_for(lambda: "start a script" in fleet.notes())
    fleet.worker("w2")
    with locked(fleet):
        until = lease_of(fleet)
        wait_for(lambda: now(fleet) > until + 1)
    wait_for(lambda: lease_of(fleet) > now(fleet))  # it has been renewed
    fleet.let("late")
    assert fleet.wait("aaaaa") == "succeeded"
    assert fleet.notes() == ["start a script", "end a script"]


def test_cancelling_a_run_leaves_no_process(fleet: Fleet) -> None:
    grown(fleet)
    runs.cancel(fleet.engine, "aaaaa", "no longer wanted")
    assert fleet.wait("aaaaa") == "cancelled"
    assert not trees.members(fleet.folder)


def test_cancelling_a_run_whose_worker_was_killed_ends_it_within_a_lease(fleet: Fleet) -> None:
    grown(fleet).kill()
    runs.cancel(fleet.engine, "aaaaa", "no longer wanted")
    wait_for(lambda: not trees.members(fleet.folder))
    fleet.worker("w2")
    assert fleet.wait("aaaaa") == "cancelled"


def lease_of(fleet: Fleet) -> float:
    """When the claim is over, by the catalog's clock, which is this host's."""
    with fleet.engine.connect().execution_options(catalog_reads=True) as connection:
        return float(connection.scalar(text("SELECT lease_until FROM steps")) or 0.0)


def now(fleet: Fleet) -> float:
    """The catalog's time."""
    with fleet.engine.connect().execution_options(catalog_reads=True) as connection:
        query = text("SELECT (julianday('now') - 2440587.5) * 86400.0")
        return float(connection.scalar(query) or 0.0)


@contextmanager
def locked(fleet: Fleet) -> Iterator[None]:
    """Nobody can write to the catalog for the time of the block."""
    file = str(fleet.settings.home / "catalog.db")
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
