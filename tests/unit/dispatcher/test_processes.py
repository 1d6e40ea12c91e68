"""dispatcher.processes, files and valkey: servers that are found again, and only they."""

import dataclasses
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dispatcher import embedded, local, processes, valkey
from dispatcher.files import read_private, write_private
from dispatcher.problems import FleetError
from dispatcher.processes import identify, stop
from workers.settings import Settings


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
        first.wait()


def test_a_server_that_ends_at_once_says_why_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads nothing of what it is told."""

    def spawned(*args: Any, **given: Any) -> "subprocess.Popen[bytes]":
        process = processes.spawn(*args, **given)
        process.wait()
        return process

    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\necho no such library\nexit 127\n")
    program.chmod(0o755)
    monkeypatch.setattr(valkey, "binary", lambda: str(program))
    monkeypatch.setattr(valkey, "spawn", spawned)
    with pytest.raises(FleetError, match="Valkey did not start") as told:
        valkey.start(tmp_path / "x", bound=True).wait()
    assert told.value.hint == "no such library"


def test_an_up_that_is_interrupted_leaves_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would find it: its record is written last."""
    servers, start = [], valkey.start

    def started(*args: Any, **given: Any) -> valkey.Server:
        servers.append(start(*args, **given))
        return servers[0]

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(valkey, "start", started)
    monkeypatch.setattr(local, "write_private", interrupted)
    monkeypatch.setattr(embedded, "worker_argv", lambda: ["sleep", "987"])
    with pytest.raises(KeyboardInterrupt):
        local.start(Settings.load({"FLEET_CONFIG": ""}, {"home": tmp_path}), with_flower=False)
    assert servers[0].process.wait(timeout=60) == -signal.SIGKILL


def _command_line(pid: int) -> list[str]:
    import psutil

    return psutil.Process(pid).cmdline()
