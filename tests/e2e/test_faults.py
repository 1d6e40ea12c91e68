"""Workers and brokers that die during a run: it ends, with a reason, and nothing is left."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from dispatcher import valkey
from dispatcher.processes import Identity
from tests.support.cli import Cli, heard, rest, until
from tests.support.project import ESCAPED, Project, lives, living_in

pytestmark = pytest.mark.e2e

QUICK = {
    "FLEET_LEASE": "4",
    "FLEET_LEASE_RENEW": "1",
    "FLEET_RECONCILE_EVERY": "1",
    "FLEET_STOP_GRACE": "1",
}


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[Cli]:
    """A fleet of this test's own, with short leases, for breaking."""
    with fleet(tmp_path, QUICK) as cli:
        yield cli


@pytest.fixture
def steady(tmp_path: Path) -> Iterator[Cli]:
    """The same with leases that run out in no test, however busy the machine is."""
    with fleet(tmp_path, QUICK | {"FLEET_LEASE": "600"}) as cli:
        yield cli


@contextmanager
def fleet(folder: Path, settings: Mapping[str, str]) -> Iterator[Cli]:
    """A fleet that is up for the time of the block."""
    cli = Cli(folder / "home", folder, settings)
    done = cli("up", "--no-flower", "--slots", "2")
    assert done.returncode == 0, done.stderr
    yield cli
    cli("down", "--now")


def processes(cli: Cli) -> dict[str, int]:
    """The fleet's processes by name."""
    facts: dict[str, Any] = json.loads((cli.home / "run" / "up.json").read_text())
    return {name: known["pid"] for name, known in facts["processes"].items()}


def slow_run(cli: Cli) -> tuple[Project, Any]:
    """A run whose asset has started and would go on for long."""
    project = Project(cli.cwd / "shop")
    project.script("slow", ESCAPED)
    project.script("after", header="depends: [slow]\n")
    run = cli.start("run", "shop")
    started(project, run)
    return project, run


def started(project: Project, run: Any) -> None:
    """Return when asset, child and grandchild live; show what the command said if they do not."""
    try:
        until(lambda: len(living_in(project.folder)) >= 3)
    except AssertionError:
        run.kill()
        pytest.fail(f"nothing started: {run.communicate()[0]}")


def second_worker(cli: Cli) -> Any:
    """Another worker of the same fleet; end it with `_end`."""
    broker = json.loads((cli.home / "run" / "up.json").read_text())
    extra = QUICK | {"FLEET_BROKER": broker["broker"], "FLEET_FLEET": broker["fleet"]}
    return Cli(cli.home, cli.cwd, extra).start("worker", "--slots", "1")


def _end(worker: Any) -> None:
    worker.terminate()
    worker.communicate(timeout=120)


def test_a_killed_worker_leaves_nothing_and_the_next_one_does_its_asset_again(
    fragile: Cli,
) -> None:
    """Nobody else works here: the command that follows finds it out."""
    project, run = slow_run(fragile)
    worker = psutil.Process(processes(fragile)["worker"])
    tree = [worker, *worker.children(recursive=True)]
    worker.kill()
    until(lambda: not living_in(project.folder))
    until(lambda: not any(lives(process) for process in tree))
    project.script("slow", "print('quick now')\n")
    text = heard(run, "no worker of fleet")  # it says so before or after the step was lost
    second = second_worker(fragile)
    try:
        text += rest(run)
        assert run.returncode == 0, text
        assert "was lost while it ran this step" in text
    finally:
        _end(second)


def test_another_worker_does_again_what_a_killed_one_left(fragile: Cli) -> None:
    """The run goes on as if nothing had happened, and says what has."""
    project, run = slow_run(fragile)
    second = second_worker(fragile)
    try:
        until(lambda: len(json.loads(fragile("workers", "--json").stdout)["workers"]) == 2)
        project.script("slow", "print('quick now')\n")
        os.kill(processes(fragile)["worker"], signal.SIGKILL)
        text, _ = run.communicate(timeout=120)
        assert run.returncode == 0, text
        assert "was lost while it ran this step" in text
        until(lambda: not living_in(project.folder))
    finally:
        _end(second)


def test_an_asset_whose_pool_process_is_killed_runs_again(steady: Cli) -> None:
    """At once, not when the lease is over: the worker itself lives and sees it."""
    project, run = slow_run(steady)
    project.script("slow", "print('quick now')\n")
    worker = processes(steady)["worker"]
    lines = [p.parents() for p in living_in(project.folder)]
    child = next(p for line in lines for p in line if p.ppid() == worker)
    child.kill()
    text, _ = run.communicate(timeout=120)
    assert run.returncode == 0, text
    assert "was killed while it ran this step" in text
    until(lambda: not living_in(project.folder))


def test_a_broker_that_comes_back_empty_stops_nobody(steady: Cli) -> None:
    """All messages are gone in the middle of a run of three levels; the catalog knows the rest."""
    project = Project(steady.cwd / "shop")
    for n in range(3):
        project.journaled(f"part{n}", 3 if n == 0 else 0, header=f"depends: {_after(n)}\n")
    run = steady.start("run", "shop")
    until((project.folder / "journal.txt").exists)
    again = broker_lost(steady)
    try:
        text, _ = run.communicate(timeout=120)
        assert run.returncode == 0, text
        assert len(project.spans()) == 3
    finally:
        again.kill()
        again.wait()


def test_a_broker_that_stays_away_is_named(steady: Cli) -> None:
    """Waiting in silence would look like work."""
    project, run = slow_run(steady)
    os.kill(processes(steady)["valkey"], signal.SIGKILL)
    heard(run, "does not answer: the run goes on when it is back")
    run.send_signal(signal.SIGINT)
    text = rest(run)
    assert run.returncode == 130, text
    until(lambda: not living_in(project.folder))


def broker_lost(cli: Cli) -> psutil.Popen:
    """Kill the broker and start an empty one in its place: same port, same password."""
    url = urlsplit(json.loads((cli.home / "run" / "up.json").read_text())["broker"])
    server = psutil.Process(processes(cli)["valkey"])
    program = server.exe()
    server.kill()
    until(lambda: not lives(server))
    options = f'port {url.port}\nrequirepass {url.password}\nsave ""\nbind 127.0.0.1\n'
    config = cli.home / "again.conf"
    config.write_text(options)

    def started() -> psutil.Popen | None:
        # one that looks for the broker may hold its port for a moment: then it ends at once
        again = psutil.Popen([program, str(config)], stdout=subprocess.DEVNULL)
        answers = lambda: valkey.ping(url.port or 0, url.password or "")  # noqa: E731
        until(lambda: again.poll() is not None or answers())
        return again if again.poll() is None else None

    found: psutil.Popen = until(started)
    return found


def _after(n: int) -> str:
    return f"[part{n - 1}]" if n else "[]"


def test_a_command_killed_with_minus_9_takes_even_hidden_processes_along(tmp_path: Path) -> None:
    """An embedded fleet dies with its command; the next start says that the run was interrupted."""
    cli = Cli(tmp_path / "home", tmp_path)
    project, run = slow_run(cli)
    name = json.loads(cli("runs", "--json").stdout)["runs"][0]["id"]
    (record,) = (cli.home / "run").glob("embedded-*.json")
    servers = [Identity(**known) for known in json.loads(record.read_text())["processes"].values()]
    assert all(server.alive() for server in servers)
    run.kill()
    run.wait()
    until(lambda: not living_in(project.folder))
    until(lambda: not any(server.alive() for server in servers))
    project.script("slow", "print('quick now')\n")
    assert cli("run", "shop").returncode == 0
    status = cli.status(name)
    assert status["state"] == "interrupted"
    assert "killed" in status["reason"]


def test_down_ends_a_run_that_goes_on_and_says_so(steady: Cli) -> None:
    project, run = slow_run(steady)
    assert steady("down", "--now").returncode == 0
    text, _ = run.communicate(timeout=120)
    assert run.returncode == 1, text
    assert "interrupted" in text
    assert "fleet down" in text
    until(lambda: not living_in(project.folder))
