"""dispatcher.processes, files and valkey: servers that are found again, and only they."""

import dataclasses
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dispatcher import valkey
from dispatcher.files import read_private, write_private
from dispatcher.problems import FleetError
from dispatcher.processes import identify, stop


@pytest.fixture
def sleeper() -> "subprocess.Popen[bytes]":
    """A process in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    )


def test_a_process_is_itself_until_it_ends(sleeper: "subprocess.Popen[bytes]") -> None:
    one = identify(sleeper.pid)
    assert one.alive()
    sleeper.kill()
    sleeper.wait()
    assert not one.alive()
    assert not one.send(signal.SIGTERM)


def test_a_reused_number_is_somebody_else(sleeper: "subprocess.Popen[bytes]") -> None:
    stranger = dataclasses.replace(identify(sleeper.pid), started="1")
    earlier = dataclasses.replace(identify(sleeper.pid), boot="another")
    stop([stranger, earlier], grace=0)
    assert sleeper.poll() is None
    sleeper.kill()
    sleeper.wait()


def test_stopping_asks_first_and_then_kills(sleeper: "subprocess.Popen[bytes]") -> None:
    stop([identify(sleeper.pid)], grace=5)
    assert sleeper.wait() == -signal.SIGTERM


def test_private_files_are_for_this_user_and_always_whole(tmp_path: Path) -> None:
    path = tmp_path / "run" / "x.json"
    write_private(path, {"a": 1})
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert read_private(path) == {"a": 1}
    assert [p.name for p in path.parent.iterdir()] == ["x.json"]
    path.write_text("{")
    assert read_private(path) is None
    assert read_private(tmp_path / "none") is None


def test_valkey_answers_only_to_its_password(tmp_path: Path) -> None:
    server = valkey.start(tmp_path / "with blank", bound=True)
    server.wait()
    assert not valkey.ping(server.port, "wrong")
    assert server.password not in " ".join(_command_line(server.process.pid))
    assert server.password not in server.log.read_text()
    server.process.kill()
    server.process.wait()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    first = valkey.start(tmp_path / "a", bound=True)
    first.wait()
    first.process.kill()
    first.process.wait()
    with pytest.raises(FleetError, match="Valkey did not start"):
        first.wait(1)


def _command_line(pid: int) -> list[str]:
    import psutil

    return psutil.Process(pid).cmdline()
