"""A crash point does nothing unless it was asked for, and then once, whoever reaches it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workers import crash_points
from workers.crash_points import Crash

TWICE = "from workers import crash_points as c; c.reach('before'); c.reach('before'); print('on')"


def run(**variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **variables}
    return subprocess.run(
        [sys.executable, "-c", TWICE], env=environment, capture_output=True, text=True, check=False
    )


def test_nothing_happens_without_a_word_of_it() -> None:
    crash_points.reach("before")


def test_the_nth_time_kills_whichever_process_it_is(tmp_path: Path) -> None:
    log = tmp_path / "hits"
    asked = {"FLEET_CRASH": "before=kill:3", "FLEET_CRASH_LOG": str(log)}
    assert run(**asked).stdout == "on\n"
    assert run(**asked).returncode == -signal.SIGKILL
    assert [line.split()[0] for line in log.read_text().splitlines()] == ["before"] * 3
    assert run(**asked).stdout == "on\n"


def test_what_cannot_be_done_is_said() -> None:
    assert crash_points.parsed("a=stop,b=sleep/0.1:2") == {
        "a": Crash(action="stop"),
        "b": Crash(action="sleep/0.1", nth=2),
    }
    with pytest.raises(ValueError, match="explode"):
        crash_points.parsed("a=explode")
