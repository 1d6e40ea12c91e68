"""The ClickHouse engine as a target of SQL and checks; see clickhouse_bridge for what is real."""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.tables import PASSWORD, Target

_BRIDGE = Path(__file__).with_name("clickhouse_bridge.py")


@dataclass(frozen=True)
class Server:
    """A running engine; databases are made per test."""

    port: int

    def target(self, folder: Path) -> Target:
        """A connection to a new, empty database. That of the test before goes."""
        name = f"own_{uuid.uuid4().hex[:10]}"
        for statement in ("DROP DATABASE IF EXISTS shop", f"CREATE DATABASE {name}"):
            self.execute(statement)
        config = (
            f"{{name: db, host: 127.0.0.1, port: 9000, http_port: {self.port}, username: loader, "
            f"password: '{PASSWORD}', database: {name}}}"
        )
        return Target(folder=folder, kind="clickhouse", config=config)

    def execute(self, statement: str) -> str:
        """Run one statement."""
        address = f"http://127.0.0.1:{self.port}/"
        with urllib.request.urlopen(address, statement.encode(), timeout=120) as answer:
            text: str = answer.read().decode()
            return text


@contextmanager
def running() -> Iterator[Server]:
    """The engine for a while; skips where it is not installed."""
    if importlib.util.find_spec("chdb") is None:
        pytest.skip("the ClickHouse engine is not installed (uv sync --group clickhouse)")
    folder = Path(tempfile.mkdtemp(prefix="fleet-ch-"))
    server = Server(port=free_port())
    command = [sys.executable, str(_BRIDGE), str(server.port), str(folder / "data")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        _await(process, server, folder / "log")
        yield server
    finally:
        process.kill()
        process.wait(120)
        shutil.rmtree(folder, ignore_errors=True)


def _await(process: subprocess.Popen[bytes], server: Server, log: Path) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            server.execute("SELECT 1")
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)
