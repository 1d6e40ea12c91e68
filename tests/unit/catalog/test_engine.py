"""Engines: URLs, transactions, clocks."""

import os
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from catalog.clock import now
from catalog.engine import connect, reading, session_scope
from catalog.tables import Resolution


def test_a_session_is_seen_by_the_next_after_a_normal_exit(engine: Engine) -> None:
    with session_scope(engine) as session:
        session.add(Resolution(key="k", text="v", created_at=1.0))
    with session_scope(engine) as session:
        assert session.get_one(Resolution, "k").text == "v"


def test_an_exception_writes_nothing_and_closes_the_session(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), session_scope(engine) as session:
        session.add(Resolution(key="k", text="v", created_at=1.0))
        session.flush()
        raise ZeroDivisionError
    with session_scope(engine) as session:
        assert session.get(Resolution, "k") is None


def test_the_clock_is_the_databases(engine: Engine) -> None:
    before = time.time()
    with reading(engine) as connection:
        first = connection.scalars(select(now())).one()
        time.sleep(0.01)
        second = connection.scalars(select(now())).one()
    assert before - 1 < first < second < time.time() + 1


@pytest.mark.parametrize(
    ("bad", "words"),
    [("mysql://u@h/d", "cannot be a mysql"), ("sqlite://", "must be a file")],
)
def test_a_url_that_cannot_be_a_catalog_is_refused_in_words(bad: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        connect(bad)


def test_postgres_urls_use_psycopg() -> None:
    engine = connect("postgresql://u:p@localhost/d")
    assert engine.dialect.driver == "psycopg"
    assert connect("postgres://u:p@localhost/d").dialect.driver == "psycopg"


def test_sqlite_is_prepared_and_its_folder_made(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/deep/er/catalog.db")
    with engine.begin() as connection:
        pragmas = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        found = [connection.scalar(text(f"PRAGMA {name}")) for name in pragmas]
    assert found == ["wal", 1, 30000, 1]


def test_two_writers_that_read_first_both_get_through(engine: Engine) -> None:
    with session_scope(engine) as session:
        session.add(Resolution(key="k", text="0", created_at=1.0))

    def count(_: int) -> None:
        for _attempt in range(20):
            with engine.begin() as connection:
                row = select(Resolution.text).where(Resolution.key == "k").with_for_update()
                number = int(connection.scalar(row) or 0) + 1
                connection.execute(text("UPDATE resolutions SET text = :n"), {"n": str(number)})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(4)))
    with reading(engine) as connection:
        assert connection.scalar(select(Resolution.text)) == "80"


def test_a_reader_does_not_wait_for_a_writer(engine: Engine) -> None:
    with engine.begin() as writer:
        writer.execute(text("DELETE FROM resolutions"))
        with reading(engine) as reader:
            assert reader.scalar(select(Resolution.text)) is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_uses_connections_of_its_own(engine: Engine) -> None:
    with reading(engine) as connection:
        connection.scalar(select(now()))
    child = os.fork()
    if child == 0:
        try:
            with reading(engine) as connection:
                os._exit(0 if connection.scalar(select(now())) else 1)
        finally:
            os._exit(2)  # whatever it raised: the child must not go on with the tests
    assert os.waitpid(child, 0)[1] == 0
    with reading(engine) as connection:
        assert connection.scalar(select(now()))


def test_a_new_catalog_waits_for_who_prepares_it_too(tmp_path: Path) -> None:
    """SQLite itself would not: as when a command and its worker open it at the same moment."""
    file = tmp_path / "catalog.db"
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    ending = threading.Timer(0.2, other.execute, ["ROLLBACK"])
    ending.start()
    with connect(f"sqlite:///{file}").connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
    ending.join()
    other.close()
