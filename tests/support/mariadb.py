"""A MariaDB server with a password, as a target of loads, SQL and checks. Gone after the tests."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pytest

from tests.support.ports import free_port
from tests.support.tables import PASSWORD, Target

USER = "loader"
_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin", "/usr/local/bin")


@dataclass(frozen=True)
class Server:
    """A running server; databases are made per test."""

    port: int
    host: str = "127.0.0.1"

    def target(self, folder: Path) -> Target:
        """A connection to a new, empty database. A schema is a database of the server here, so
        that of the test before goes."""
        name = f"own_{uuid.uuid4().hex[:10]}"
        for statement in ("DROP DATABASE IF EXISTS shop", f"CREATE DATABASE {name}"):
            self.execute(statement)
        config = (
            f"{{name: db, host: {self.host}, port: {self.port}, username: {USER}, "
            f"password: '{PASSWORD}', database: {name}}}"
        )
        return Target(folder=folder, kind="mysql", config=config)

    def execute(self, statement: str) -> None:
        """Run one statement."""
        with connect(self.port) as link:
            link.cursor().execute(statement)


def connect(port: int) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    """A link of its own to the server; as text, the driver would send the password in Latin-1."""
    password: Any = PASSWORD.encode()
    return pymysql.connect(host="127.0.0.1", port=port, user=USER, password=password)


def program() -> Path | None:
    """The server's program, None if it is not installed."""
    found = shutil.which("mariadbd")
    places = [Path(found)] if found else [Path(place) / "mariadbd" for place in _PLACES]
    return next((path for path in places if path.exists()), None)


@contextmanager
def running() -> Iterator[Server]:
    """A server for a while; skips where MariaDB is not installed, but fails in CI."""
    server = program()
    if server is None or not shutil.which("mariadb-install-db"):
        missing = "MariaDB's server is not installed (apt install mariadb-server-core)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    folder = Path(tempfile.mkdtemp(prefix="fleet-my-"))
    process: subprocess.Popen[bytes] | None = None
    try:
        _install(folder)
        port = free_port()
        process = _start(server, folder, port)
        _await(process, port, folder / "log")
        yield Server(port=port)
    finally:
        if process is not None:
            process.kill()  # nothing of it is kept
            process.wait(120)
        shutil.rmtree(folder, ignore_errors=True)


def _install(folder: Path) -> None:
    data = f"--datadir={folder / 'data'}"
    command = ["mariadb-install-db", "--no-defaults", data, f"--user={_user()}", "--skip-test-db"]
    command += ["--auth-root-authentication-method=normal"]
    (folder / "tmp").mkdir()  # each one deletes what it takes for its own temporary tables
    environ = os.environ | {"TMPDIR": str(folder / "tmp")}
    made = subprocess.run(command, check=False, capture_output=True, env=environ)
    assert made.returncode == 0, made.stderr.decode()
    (folder / "login.sql").write_text(
        f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
        f"GRANT ALL ON *.* TO {USER}@'127.0.0.1';\n",
        "utf-8",
    )


def _start(server: Path, folder: Path, port: int) -> subprocess.Popen[bytes]:
    options = {
        "datadir": folder / "data",
        "socket": folder / "socket",
        "tmpdir": folder / "tmp",
        "pid-file": folder / "pid",
        "port": port,
        "bind-address": "127.0.0.1",
        "user": _user(),
        "init-file": folder / "login.sql",
        "character-set-server": "utf8mb4",
        "innodb-flush-log-at-trx-commit": 0,
        "innodb-buffer-pool-size": "32M",
        "skip-name-resolve": 1,
    }
    command = [
        str(server),
        "--no-defaults",
        *(f"--{key}={value}" for key, value in options.items()),
    ]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd="/")


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            connect(port).close()
        except pymysql.OperationalError:
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        else:
            assert process.poll() is None, log.read_text()  # else that was another test's server
            return


def _user() -> str:
    """The server refuses to run as root unless told so; it is a throw-away on loopback."""
    return pwd.getpwuid(os.geteuid()).pw_name
