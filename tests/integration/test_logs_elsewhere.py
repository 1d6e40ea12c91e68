"""`fleet logs -f` from a host that shares nothing with the worker but broker and catalog."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog import runs
from tests.support.broker import Valkey
from tests.support.fleet import Fleet, asset, wait_for


@pytest.fixture
def fleet(tmp_path: Path, valkey: Valkey) -> Iterator[Fleet]:
    """A fleet without workers yet."""
    fleet = Fleet(tmp_path, valkey)
    yield fleet
    fleet.close()


def follow(fleet: Fleet, *words: str) -> subprocess.Popen[str]:
    """The command, with a home and a storage of its own."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("FLEET_")}
    environ |= {
        "FLEET_HOME": str(fleet.folder / "elsewhere"),
        "FLEET_CONFIG": "",
        "FLEET_BROKER": fleet.settings.broker,
        "FLEET_CATALOG": fleet.settings.catalog_url,
    }
    argv = [str(Path(sys.executable).with_name("fleet")), "logs", "-f", *words]
    return subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, text=True)


def test_lines_are_shown_while_the_step_runs_on_another_host(fleet: Fleet) -> None:
    """Each once, and the command ends with the run."""
    fleet.worker("w1", host="h1")
    fleet.submit([asset("a", script_lines=3, script_hangs=1), asset("b", script_lines=2)])
    wait_for(lambda: "start a script" in fleet.notes())
    process = follow(fleet, "aaaaa", "a", "--json")
    try:
        assert process.stdout is not None
        first = [json.loads(process.stdout.readline())["line"] for _ in range(3)]
        assert first == ["a line 0", "a line 1", "a line 2"]
        assert "end a script" not in fleet.notes()
        runs.cancel(fleet.engine, "aaaaa", "seen enough")
        rest, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert (rest, process.returncode) == ("", 0)
    assert fleet.wait("aaaaa") == "cancelled"
