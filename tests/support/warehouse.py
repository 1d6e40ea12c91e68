"""A PostgreSQL server with a password, as a target of loads and checks."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.support.ports import free_port
from tests.support.tables import PASSWORD, Target

USER = "loader"


@dataclass(frozen=True)
class Server:
    """A running server; databases are made per test."""

    port: int
    host: str = "127.0.0.1"

    def target(self, folder: Path) -> Target:
        """A connection to a new, empty database."""
        name = f"shop_{uuid.uuid4().hex[:10]}"
        login = {"host": self.host, "port": self.port, "user": USER, "password": PASSWORD}
        with psycopg.connect(**login, dbname="postgres", autocommit=True) as link:
            link.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        config = (
            f"{{name: db, host: {self.host}, port: {self.port}, username: {USER}, "
            f"password: '{PASSWORD}', database: {name}}}"
        )
        return Target(folder=folder, kind="postgres", config=config)


def binaries() -> Path | None:
    """The folder of PostgreSQL's server programs, the newest one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    named = shutil.which("initdb")
    return found[0].parent if found else Path(named).parent if named else None


@contextmanager
def running() -> Iterator[Server]:
    """A server for a while; skips where PostgreSQL is not installed, but fails in CI."""
    programs = binaries()
    if programs is None:
        missing = "PostgreSQL's server programs are not installed (apt install postgresql)"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    folder = Path(tempfile.mkdtemp(prefix="fleet-pg-"))
    prefix = _as_postgres(folder)
    secret = folder / "password"
    secret.write_text(PASSWORD, "utf-8")
    if prefix:
        shutil.chown(secret, "postgres")
    data = folder / "data"
    try:
        _run([*prefix, programs / "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256"], secret)
        port = free_port()
        options = f"-p {port} -k {folder} -c fsync=off -c listen_addresses=127.0.0.1"
        control = [*prefix, programs / "pg_ctl", "-D", data]
        _run([*control, "-o", options, "-l", folder / "log", "-w", "-t", "120", "start"])
        try:
            yield Server(port=port)
        finally:
            _run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_postgres(folder: Path) -> list[str]:
    """The server refuses to run as root: use the account that the package made."""
    if os.geteuid() != 0:
        return []
    pwd.getpwnam("postgres")
    shutil.chown(folder, "postgres")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]


def _run(argv: list[object], secret: Path | None = None) -> None:
    more = [f"--pwfile={secret}", "--encoding=UTF8", "--locale=C.UTF-8"] if secret else []
    log = subprocess.run(
        [*map(str, argv), *more],
        check=False,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert log.returncode == 0, log.stderr.decode()
