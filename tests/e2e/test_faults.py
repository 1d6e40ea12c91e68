"""Workers and brokers that die during a run: it ends, with a reason, and nothing is left."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from dispatcher.processes import Identity
from tests.support.cli import Cli, until
from tests.support.project import ESCAPED, Project, living_in

pytestmark = pytest.mark.e2e

LEASE = 4.0
QUICK = {
    "FLEET_LEASE": str(LEASE),
    "FLEET_LEASE_RENEW": "1",
    "FLEET_RECONCILE_EVERY": "1",
    "FLEET_STOP_GRACE": "1",
}


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[Cli]:
    """A fleet of this test's own, with short leases, for breaking."""
    cli = Cli(tmp_path / "home", tmp_path, QUICK)
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
    worker.communicate(timeout=30)


def _until_nobody_is_there(run: Any) -> str:
    """What the command prints until it says that no worker is there, which comes first or last."""
    heard = ""
    for line in iter(run.stdout.readline, ""):
        heard += line
        if "no worker of fleet" in line:
            return heard
    raise AssertionError(f"nobody missed the worker: {heard}")


def test_a_killed_worker_leaves_nothing_and_the_next_one_does_its_asset_again(
    fragile: Cli,
) -> None:
    """Nobody else works here: the command that follows finds it out, within the lease and a bit."""
    project, run = slow_run(fragile)
    worker = psutil.Process(processes(fragile)["worker"])
    tree = [worker, *worker.children(recursive=True)]
    worker.kill()
    until(lambda: not living_in(project.folder), 2 * LEASE)
    assert [p for p in tree if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
    project.script("slow", "print('quick now')\n")
    heard = _until_nobody_is_there(run)
    second = second_worker(fragile)
    try:
        text, _ = run.communicate(timeout=60)
        assert run.returncode == 0, text
        assert "was lost while it ran this step" in heard + text
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
        text, _ = run.communicate(timeout=60)
        assert run.returncode == 0, text
        assert "was lost while it ran this step" in text
        assert living_in(project.folder) == []
    finally:
        _end(second)


def test_an_asset_whose_pool_process_is_killed_runs_again(fragile: Cli) -> None:
    """At once: the worker itself lives and sees it."""
    project, run = slow_run(fragile)
    project.script("slow", "print('quick now')\n")
    worker = processes(fragile)["worker"]
    lines = [p.parents() for p in living_in(project.folder)]
    child = next(p for line in lines for p in line if p.ppid() == worker)
    child.kill()
    text, _ = run.communicate(timeout=60)
    assert run.returncode == 0, text
    assert "was killed while it ran this step" in text
    until(lambda: not living_in(project.folder))


def test_a_broker_that_comes_back_empty_stops_nobody(fragile: Cli) -> None:
    """All messages are gone in the middle of a run of three levels; the catalog knows the rest."""
    project = Project(fragile.cwd / "shop")
    for n in range(3):
        project.journaled(f"part{n}", 3 if n == 0 else 0, header=f"depends: {_after(n)}\n")
    run = fragile.start("run", "shop")
    until((project.folder / "journal.txt").exists)
    again = broker_lost(fragile)
    try:
        text, _ = run.communicate(timeout=90)
        assert run.returncode == 0, text
        assert len(project.spans()) == 3
    finally:
        again.kill()
        again.wait()


def test_a_broker_that_stays_away_is_named(fragile: Cli) -> None:
    """Waiting in silence would look like work."""
    project, run = slow_run(fragile)
    os.kill(processes(fragile)["valkey"], signal.SIGKILL)
    lines = iter(run.stdout.readline, "")
    assert any("does not answer: the run goes on when it is back" in line for line in lines)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    assert run.returncode == 130
    until(lambda: not living_in(project.folder))


def broker_lost(cli: Cli) -> psutil.Popen:
    """Kill the broker and start an empty one in its place: same port, same password."""
    url = urlsplit(json.loads((cli.home / "run" / "up.json").read_text())["broker"])
    server = psutil.Process(processes(cli)["valkey"])
    program = server.exe()
    server.kill()
    until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)
    options = f'port {url.port}\nrequirepass {url.password}\nsave ""\nbind 127.0.0.1\n'
    config = cli.home / "again.conf"
    config.write_text(options)
    return psutil.Popen([program, str(config)], stdout=subprocess.DEVNULL)


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


def test_down_ends_a_run_that_goes_on_and_says_so(fragile: Cli) -> None:
    project, run = slow_run(fragile)
    assert fragile("down", "--now").returncode == 0
    text, _ = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "interrupted" in text
    assert "fleet down" in text
    until(lambda: not living_in(project.folder))
