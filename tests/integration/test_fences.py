"""Whoever was claimed later shuts the table to those before, in every engine that has fences."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.postgres import PostgresServer, postgres_server
from workers import engines, fences
from workers.connections import Connection
from workers.engines import Database
from workers.fences import Fence, Overtaken

__all__ = ["postgres_server"]
FILES = {"duckdb": "a.duckdb", "sqlite": "a.sqlite"}
SCHEMAS = {"duckdb": "main", "sqlite": "main", "postgres": "public"}


@pytest.fixture(params=sorted(fences.ENGINES))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    engine = request.param
    if engine == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        fields = {
            "host": server.host,
            "port": server.port,
            "username": server.user,
            "password": server.password,
            "database": server.create_database(),
        }
        connection = Connection(name="db", type=engine, fields=fields)
    else:
        path = tmp_path / FILES[engine]
        connection = Connection(name="db", type=engine, fields={"path": str(path)})
    with engines.opened(connection, write=True) as found:
        yield found


def fence_of(database: Database, token: int, run: str = "one", **more: Any) -> Fence:
    engine = database.connection.type
    return Fence(
        engine=engine,
        schema=(SCHEMAS[engine],),
        catalog="c",
        asset="it's.an \\asset",
        run=run,
        attempt=1,
        token=token,
        **more,
    )


def ask(database: Database) -> fences.Ask:
    def answer(statement: str) -> Sequence[Sequence[Any]]:
        result = database.link.exec_driver_sql(statement)
        return result.fetchall() if result.returns_rows else []

    return answer


def test_the_later_claim_shuts_out_the_earlier(database: Database) -> None:
    run = ask(database)
    first, second = fence_of(database, 7), fence_of(database, 9)
    fences.create(run, first)
    fences.create(run, first)
    for fence in (first, first, second):
        fences.raise_fence(run, fence)
    with pytest.raises(Overtaken, match="attempt 1") as stale:
        fences.check(run, first)
    assert stale.value.same_run
    with pytest.raises(Overtaken, match="run one") as older:
        fences.check(run, fence_of(database, 8, run="two"))
    assert not older.value.same_run


def test_a_run_and_those_that_continue_it_know_what_is_in(database: Database) -> None:
    run, fence = ask(database), fence_of(database, 7)
    fences.create(run, fence)
    assert fences.loaded(run, fence) is None
    for rows in (3, 4):
        fences.record(run, replace(fence, attempt=rows), rows, "oid 5")
    fences.record(run, fence_of(database, 12, run="other"), 9, "")
    found = fences.loaded(run, fence)
    assert found == fences.Loaded(run="one", attempt=4, rows=4, target="oid 5")
    assert fences.loaded(run, fence_of(database, 14, run="two", earlier=("zero", "one"))) == found
    assert fences.loaded(run, fence_of(database, 14, run="three")) is None


def test_a_postgres_table_made_again_is_another(database: Database) -> None:
    run, fence = ask(database), fence_of(database, 1)
    seen = []
    for _ in range(2):
        run('DROP TABLE IF EXISTS "Odd"')
        run('CREATE TABLE "Odd" (a INTEGER)')
        seen.append(fences.identity(run, fence, "Odd"))
    known = database.connection.type == "postgres"
    assert (seen[0] != seen[1], bool(seen[0])) == (known, known)
    assert fences.identity(run, fence, "none") == ""
