"""Broker and catalog that die in the middle of a run of two levels on two workers."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import postgres
from tests.support.broker import Valkey
from tests.support.cli import Cli
from tests.support.fault_servers import Cluster, cluster
from tests.support.fleet import Fleet, asset, wait_for
from workers import levels

UPPER = [asset(f"a{number}", script_seconds=3.0) for number in range(3)]
LOWER = [asset(f"b{number}", upstreams=("a0", "a1", "a2")) for number in range(2)]


@pytest.fixture
def fleet(tmp_path: Path, valkey: Valkey) -> Iterator[Fleet]:
    """Two workers."""
    fleet = Fleet(tmp_path, valkey)
    fleet.submit(UPPER, LOWER, send=False)
    begin(fleet)
    yield fleet
    fleet.close()


@pytest.fixture
def server() -> Iterator[Cluster]:
    """A PostgreSQL server of this test's own."""
    if postgres.binaries() is None:
        pytest.skip("no PostgreSQL server binaries on this machine")
    with cluster(f"127.{secrets.randbelow(200) + 20}.{os.getpid() % 250}.1") as made:
        yield made


def begin(fleet: Fleet) -> None:
    fleet.worker("w1")
    fleet.worker("w2")
    levels.advance(fleet.engine, fleet.app, "aaaaa")
    wait_for(lambda: len(fleet.notes()) >= len(UPPER))


def test_a_broker_that_was_killed_and_comes_back_empty_costs_no_step(fleet: Fleet) -> None:
    """Steps end without it, their ends are recorded; what is next is sent when it is back."""
    fleet.valkey.kill()
    wait_for(lambda: any(note.startswith("end") for note in fleet.notes()))
    fleet.valkey.start()
    assert fleet.wait("aaaaa") == "succeeded"
    assert each_once(fleet)


def test_a_broker_whose_connections_are_cut_costs_no_step(fleet: Fleet) -> None:
    for kind in ("normal", "pubsub"):
        fleet.valkey.client().client_kill_filter(_type=kind, skipme=True)
    assert fleet.wait("aaaaa") == "succeeded"
    assert each_once(fleet)


def test_a_catalog_that_was_killed_and_comes_back_costs_no_step(
    tmp_path: Path, valkey: Valkey, server: Cluster
) -> None:
    """Nobody is buried for it, whoever follows the run waits too."""
    url = server.server.url(server.server.create_database())
    fleet = Fleet(tmp_path, valkey, catalog=url)
    following: subprocess.Popen[str] | None = None
    try:
        fleet.submit(UPPER, LOWER, send=False)
        following = Cli(
            fleet.settings.home, tmp_path, {"FLEET_BROKER": valkey.url, "FLEET_CATALOG": url}
        ).start("follow", "aaaaa", to=(tmp_path / "followed").open("w"))
        wait_for(lambda: "aaaaa" in said(tmp_path))
        begin(fleet)
        server.kill()
        wait_for(lambda: "the catalog does not answer" in said(tmp_path))
        wait_for(lambda: sum(note.startswith("end") for note in fleet.notes()) == len(UPPER))
        server.start()
        assert fleet.wait("aaaaa") == "succeeded"
        assert each_once(fleet)
        assert [worker.poll() for worker in fleet.workers] == [None, None]
        assert following.wait(120) == 0
        assert "the catalog is back" in said(tmp_path)
    finally:
        if following is not None:
            following.kill()
        fleet.close()


def said(folder: Path) -> str:
    """What the one who follows was told."""
    return (folder / "followed").read_text("utf-8", errors="replace")  # half a letter, perhaps


def each_once(fleet: Fleet) -> bool:
    """Whether every step began and ended once."""
    names = [spec.name for spec in (*UPPER, *LOWER)]
    return sorted(fleet.notes()) == sorted(
        f"{what} {name} script" for name in names for what in ("start", "end")
    )
