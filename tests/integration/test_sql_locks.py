"""Who else holds a SQL asset's table: dead sessions are ended, other programs are waited for."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support import tables, warehouse
from tests.support.postgres import link_to
from tests.support.sql_assets import House, server
from tests.support.sql_once import keys, prepare, second
from workers import query_step, sessions
from workers.errors import Locked

__all__ = ["server"]


@contextmanager
def session(house: House, name: str) -> Iterator[Any]:
    """A session that holds the table, as one of a host that has died."""
    with link_to(house.target.connection.fields, application_name=name) as link:
        link.execute("lock table shop.t")
        yield link
        if not link.closed:
            link.rollback()


def test_a_successor_ends_the_session_of_a_dead_attempt_and_no_other(
    server: warehouse.Server, tmp_path: Path
) -> None:
    shop = House(server.target(tmp_path))
    prepare(shop, "append")
    shop.run("select 1 as a", name="shop.u")
    with session(shop, sessions.name("r2", "shop.u", 1)) as other:
        other.rollback()
        with session(shop, sessions.name("r2", "shop.t", 1)) as dead:
            query_step.run(second(shop, "append", attempt=2))
            with pytest.raises(psycopg.OperationalError):
                dead.execute("select 1")
        other.execute("select 1")
    assert keys(shop) == [1, 2]
    assert "ended the session of an earlier attempt, 'fleet r2/shop.t/1'" in shop.target.log.lines


def test_a_lock_of_another_program_is_waited_for_by_its_name(
    server: warehouse.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LOCK", 1)
    shop = House(server.target(tmp_path))
    prepare(shop, "append")
    holder = pytest.raises(Locked, match=r"holds a lock .*\(a clerk's own tool, PID \d+\)")
    with session(shop, "a clerk's own tool"), holder:
        query_step.run(second(shop, "append"))
    assert keys(shop) == [1]
    query_step.run(second(shop, "append"))
    assert keys(shop) == [1, 2]


def test_a_file_that_another_program_has_open_is_waited_for_by_its_name(tmp_path: Path) -> None:
    house = House(tables.duckdb(tmp_path))
    prepare(house, "append")
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    argv = [sys.executable, "-c", code, str(house.target.connection.file)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "open\n"
        said = rf"house.duckdb is open elsewhere \(.*PID {other.pid}\)"
        with pytest.raises(Locked, match=said):
            query_step.run(second(house, "append"))
        other.communicate("\n")
    query_step.run(second(house, "append"))
    assert keys(house) == [1, 2]
