"""Embedded fleets: they come with a command and are gone with it, however it ends."""

import json
import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from tests.support.cli import Cli, heard, project, rest, until
from tests.support.project import command_line, lives

pytestmark = pytest.mark.e2e


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command, with a quick and a slow pipeline."""
    project(tmp_path / "quick", {"raw.one": "print('one')\n"})
    slow = "import subprocess, time\nsubprocess.Popen(['sleep', '987'])\nprint('on', flush=True)\n"
    project(tmp_path / "slow", {"raw.slow": slow + "time.sleep(987)\n"})
    return Cli(tmp_path / "home", tmp_path)


def processes(cli: Cli) -> list[psutil.Process]:
    """Everything that runs for this home: its records name the servers, their children follow."""
    found: list[psutil.Process] = []
    for record in (cli.home / "run").glob("embedded-*.json"):
        for known in json.loads(record.read_text())["processes"].values():
            process = psutil.Process(known["pid"])
            found += [process, *process.children(recursive=True)]
    return found


def alive(found: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those that still run."""
    return [process for process in found if lives(process)]


def test_a_run_leaves_nothing_behind(cli: Cli) -> None:
    done = cli("run", "quick")
    assert done.returncode == 0, done.stderr
    assert "embedded fleet" in done.stdout
    assert list((cli.home / "run").glob("embedded-*")) == []


def test_scripts_that_open_one_file_by_its_path_take_turns(cli: Cli) -> None:
    """No definition says so: the path stands in the script, or in a module that it imports."""
    opens = "import sqlite3, time\nlink = sqlite3.connect('shop.db', timeout=0)\n"
    work = "link.execute('begin exclusive')\ntime.sleep(0.5)\n"
    folder = project(
        cli.cwd / "files", {"a": opens + work, "b": f"from shared import link\nimport time\n{work}"}
    )
    (folder / "shared.py").write_text(opens, "utf-8")
    (folder / ".bruin.yml").write_text(
        "environments: {default: {connections: {sqlite: [{name: app, path: shop.db}]}}}\n", "utf-8"
    )
    done = cli("run", "files")
    assert "2 succeeded" in done.stdout, done.stdout


def test_no_command_line_shows_the_password(cli: Cli) -> None:
    """Not of the server, the worker, or anything that they start."""
    command = cli.start("run", "slow")
    heard(command, "[raw.slow] on\n")
    running = {process: command_line(process) for process in processes(cli)}
    worker = next(process for process, line in running.items() if "workers.main" in line)
    secret = re.search(r"://:(.+)@", worker.environ()["FLEET_BROKER"])
    assert secret
    assert len(list(filter(None, running.values()))) > 2
    assert not [line for line in running.values() if secret[1] in line]
    command.send_signal(signal.SIGINT)
    rest(command)


def test_ctrl_c_once_cancels_the_run(cli: Cli) -> None:
    command = cli.start("run", "slow")
    heard(command, "[raw.slow] on\n")
    command.send_signal(signal.SIGINT)
    text = rest(command)
    assert command.returncode == 130, text
    assert "Ctrl-C again stops everything" in text
    assert cli.status()["state"] == "cancelled"


def test_a_request_to_end_cancels_the_run_under_its_own_name(cli: Cli) -> None:
    command = cli.start("run", "slow")
    heard(command, "[raw.slow] on\n")
    command.send_signal(signal.SIGTERM)
    text = rest(command)
    assert "the command was told to end (SIGTERM); once more stops everything" in text
    assert "Ctrl-C" not in text
    assert cli.status()["reason"] == "the command was told to end (SIGTERM)"


def test_ctrl_c_twice_stops_everything(cli: Cli) -> None:
    stubborn = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    project(cli.cwd / "stubborn", {"a.b": stubborn + "print('on', flush=True)\ntime.sleep(987)\n"})
    patient = Cli(cli.home, cli.cwd, {"FLEET_STOP_GRACE": "600"})  # the first one is not enough
    command = patient.start("run", "stubborn")
    heard(command, "[a.b] on\n")
    running = processes(cli)
    command.send_signal(signal.SIGINT)
    heard(command, "cancelling run")
    command.send_signal(signal.SIGINT)
    text = rest(command)
    assert command.returncode == 130, text
    until(lambda: not alive(running))
    assert cli.status()["state"] in ("interrupted", "cancelled")


def test_a_killed_command_takes_its_fleet_with_it(cli: Cli) -> None:
    """kill -9: the worker notices through the lifeline, and the next start ends the run."""
    command = cli.start("run", "slow")
    heard(command, "[raw.slow] on\n")
    running = processes(cli)
    assert any("sleep" in command_line(process) for process in running)
    command.kill()
    command.wait()
    until(lambda: not alive(running))
    run = json.loads(cli("runs", "--json").stdout)["runs"][0]["id"]
    assert cli("run", "quick").returncode == 0
    assert cli.status(run)["state"] == "interrupted"
    assert list((cli.home / "run").glob("embedded-*")) == []


def test_two_embedded_fleets_do_not_disturb_each_other(cli: Cli) -> None:
    both = [cli.start("run", "quick") for _ in range(2)]
    ends = [one.communicate(timeout=120)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0], ends
    assert all("1 succeeded" in end for end in ends)


def test_faults_are_told_without_leaving_a_fleet(cli: Cli) -> None:
    project(cli.cwd / "faulty", {"raw.a": "depends: [raw.b]\n---\n"})
    assert cli("run", "faulty").returncode == 1
    assert list((cli.home / "run").glob("embedded-*")) == []


def test_the_records_of_fleets_are_for_this_user_only(cli: Cli) -> None:
    assert cli("up", "--no-flower").returncode == 0
    record = cli.home / "run" / "up.json"
    assert record.stat().st_mode & 0o777 == 0o600
    known = json.loads(record.read_text())["processes"]
    running = [psutil.Process(one["pid"]) for one in known.values()]
    assert cli("down", "--now").returncode == 0
    until(lambda: not alive(running))
    assert not record.exists()


def test_down_spares_a_process_that_only_has_the_number(cli: Cli) -> None:
    """A record of an earlier boot, or a reused process id, names nobody."""
    assert cli("up", "--no-flower").returncode == 0
    record = cli.home / "run" / "up.json"
    facts = json.loads(record.read_text())
    real = {name: dict(one) for name, one in facts["processes"].items()}
    for one in facts["processes"].values():
        one["started"] = "1"
    record.write_text(json.dumps(facts))
    assert "it was gone already" in cli("down").stdout
    assert alive([psutil.Process(one["pid"]) for one in real.values()])
    for one in real.values():
        os.killpg(one["pid"], signal.SIGKILL)
