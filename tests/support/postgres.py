"""A real PostgreSQL server for tests, made from the system's binaries and removed afterwards.

Import the fixture where it is needed: `from tests.support.postgres import postgres_server`.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.ports import free_port

_DEFAULT_FOLDERS = ("/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """How a server is reached. `url` is that of one database."""

    host: str
    port: int
    user: str
    password: str

    def url(self, database: str = "postgres") -> str:
        """A URL as people write it."""
        return f"postgresql://{self.user}:{self.password}@{self.host}:{self.port}/{database}"

    def create_database(self) -> str:
        """A new, empty database; its name."""
        name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return name


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running server; the test is skipped where there is none, and fails where CI is true."""
    folder = binaries()
    if folder is None:
        reason = "no PostgreSQL server binaries (initdb, postgres) on this machine"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    with running(folder) as server:
        yield server


def binaries() -> Path | None:
    """The folder of the server's programs, None if there is none."""
    found = shutil.which("initdb")
    if found and (Path(found).resolve().parent / "postgres").exists():
        return Path(found).resolve().parent
    for pattern in ("*/bin/initdb", "postgresql*/bin/initdb"):
        for base in _DEFAULT_FOLDERS:
            hits = sorted(Path(base).glob(pattern)) if Path(base).is_dir() else []
            if hits:
                return hits[-1].parent
    return None


@contextmanager
def running(folder: Path) -> Iterator[PostgresServer]:
    """A server that is made, and gone afterwards."""
    base = Path(tempfile.mkdtemp(prefix="pg"))
    process: subprocess.Popen[bytes] | None = None
    try:
        server = PostgresServer(
            host="127.0.0.1", port=free_port(), user="fleet", password=secrets.token_hex(8)
        )
        _make_cluster(folder, base, server)
        process = _start(folder, base, server)
        _await(process, server, base / "log")
        yield server
    finally:
        if process is not None:
            process.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
            process.wait(120)
        shutil.rmtree(base, ignore_errors=True)


def _make_cluster(folder: Path, base: Path, server: PostgresServer) -> None:
    password = base / "password"
    password.write_text(server.password)
    _own(base, password)
    command = [folder / "initdb", "-D", base / "data", "-U", server.user, "--auth=scram-sha-256"]
    command += [f"--pwfile={password}", "--encoding=UTF8", "--no-locale", "--no-sync"]
    arguments = [*_as_user(), *map(str, command)]
    made = subprocess.run(arguments, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr


def _start(folder: Path, base: Path, server: PostgresServer) -> subprocess.Popen[bytes]:
    settings = {
        "listen_addresses": server.host,
        "port": server.port,
        "unix_socket_directories": "",
        "fsync": "off",
        "max_connections": 100,
        "shared_buffers": "32MB",
    }
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    command = [str(folder / "postgres"), "-D", str(base / "data"), *options]
    with (base / "log").open("wb") as log:
        return subprocess.Popen([*_as_user(), *command], stdout=log, stderr=log, cwd="/")


def _await(process: subprocess.Popen[bytes], server: PostgresServer, log: Path) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            psycopg.connect(server.url(), connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.05)


def _as_user() -> list[str]:
    """PostgreSQL refuses to run as root: then it runs as another user of the system."""
    if os.geteuid() != 0:
        return []
    user = _user()
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return ["setpriv", *ids, "--pdeathsig=QUIT", "--"]  # nor does it outlive killed tests


def _own(*paths: Path) -> None:
    if os.geteuid() == 0:
        user = _user()
        for path in paths:
            os.chown(path, user.pw_uid, user.pw_gid)


def _user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def link_to(fields: Mapping[str, Any], **options: Any) -> "psycopg.Connection[tuple[Any, ...]]":
    """A connection of psycopg to what a connection of `.bruin.yml` names."""
    return psycopg.connect(
        host=fields["host"],
        port=fields["port"],
        user=fields["username"],
        password=fields["password"],
        dbname=fields["database"],
        **options,
    )
