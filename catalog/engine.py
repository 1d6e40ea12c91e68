"""How the catalog's database is reached: SQLite, or PostgreSQL by URL. Everybody starts here."""

import contextlib
import os
import sqlite3
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.orm import Session

from catalog import mounts
from catalog.schema import upgrade

__all__ = ["connect", "reading", "session_scope", "upgrade", "writing"]

#: A server that was cut off is given up in seconds; the system would wait for a quarter hour.
_ALIVE = {
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}

_BUSY = 30.0  # seconds that a SQLite catalog is waited for while others write
_LOOK = 0.01

_engines: "weakref.WeakSet[Engine]" = weakref.WeakSet()


def connect(url: str) -> Engine:
    """An engine for `sqlite:///file` or `postgresql://...`; ValueError names what is wrong."""
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        engine = _sqlite(parsed)
    elif backend in ("postgresql", "postgres"):
        engine = _postgresql(parsed)
    else:
        raise ValueError(
            f"the catalog cannot be a {backend} database; use sqlite:///FILE or postgresql://..."
        )
    _engines.add(engine)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that only reads: on SQLite it never waits for a writer."""
    with engine.connect() as connection:
        yield connection.execution_options(catalog_reads=True)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that may write; committed on success."""
    with engine.begin() as connection:
        yield connection


@contextmanager
def session_scope(engine: Engine) -> Iterator[Session]:
    """A session that commits on success, rolls back and re-raises on failure, and always closes."""
    session = Session(engine)
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()


def _sqlite(url: URL) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise ValueError("the catalog must be a file that several processes can open, not :memory:")
    file = Path(url.database)
    if kind := mounts.network(file):
        raise ValueError(
            f"the catalog {file} lies on a file system of the network ({kind}), where SQLite loses "
            "data: name a folder of this host by `home`, or a PostgreSQL database by `catalog`"
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):  # it holds the key that signs messages
        os.close(os.open(file, os.O_CREAT | os.O_EXCL, 0o600))
    engine = create_engine(url, connect_args={"timeout": _BUSY})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours: the driver's would not take the write lock
    connection.execute(f"PRAGMA busy_timeout={_BUSY * 1000:.0f}").close()
    _write_ahead(connection)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _write_ahead(connection: sqlite3.Connection) -> None:
    """SQLite itself does not wait where others are just about to do the same to a new file."""
    deadline = time.monotonic() + _BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_LOOK)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes its lock at once: after a read it might find that another has written."""
    reads = connection.get_execution_options().get("catalog_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _postgresql(url: URL) -> Engine:
    try:
        import psycopg  # noqa: F401, PLC0415 - an extra that only this branch needs
    except ImportError as error:
        raise ValueError(
            "a PostgreSQL catalog needs its driver: pip install psycopg[binary]"
        ) from error
    options: dict[str, Any] = {"connect_timeout": 10, "application_name": "bruin-fleet"} | _ALIVE
    options = {key: value for key, value in options.items() if key not in url.query}
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args=options,
        pool_pre_ping=True,
        pool_size=4,
        max_overflow=8,
    )


def _forget_connections() -> None:
    """In a forked child: its parent's connections must be neither used nor closed."""
    for engine in list(_engines):
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_connections)
