"""The real bruin-sdk inside assets, through the command: DuckDB, SQLite and PostgreSQL."""

import os
import sqlite3

import psycopg
import pytest

from tests.support.cli import Cli
from tests.support.postgres import PostgresServer
from tests.support.project import Project

pytestmark = pytest.mark.e2e

CONFIG = """\
environments:
  default:
    connections:
      duckdb: [{name: db, path: out.duckdb}]
      sqlite: [{name: files, path: files.sqlite}]
"""
POSTGRES = """\
      postgres:
        - name: pg
          host: ${SDK_HOST}
          port: ${SDK_PORT}
          username: ${SDK_USER}
          password: ${SDK_PASSWORD}
          database: ${SDK_DB}
          ssl_mode: disable
"""
REQUIREMENTS = "bruin-sdk\nduckdb==1.5.6\npsycopg2-binary\n"


def sdk_script(project: Project, connection: str, secrets: str = "") -> None:
    """A script that makes a table through the SDK, and one that reads it back as its own rows."""
    header = f"connection: {connection}\nsecrets: [{{key: {connection}}}]\n"
    make = (
        "from bruin import context, get_connection, query\n"
        "query('create table made as select 40 + 2 as n, 1 as one')\n"
        f"with get_connection('{connection}') as link:\n"
        "    print('TYPE', link.type, int(link.query('select n from made').n[0]))\n"
        "print('CONTEXT', context.asset_name, context.pipeline, context.start_date)\n"
    )
    project.script("make", make, header=header, requirements=REQUIREMENTS)
    read = "from bruin import query\ndef materialize():\n    return query('select n from made')\n"
    how = f"depends: [make]\n{header}materialization: {{type: table}}\n"
    columns = "columns: [{name: n, type: integer, checks: [{name: positive}]}]\n"
    project.script("main.read", read, header=how + columns, requirements=REQUIREMENTS)


@pytest.mark.parametrize("connection", ["db", "files"])
def test_queries_on_a_file_database(up: Cli, connection: str) -> None:
    project = Project(up.cwd / "shop", config=CONFIG)
    sdk_script(project, connection)
    done = up("run", "shop", "--start-date", "2026-03-01", timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    kind = {"db": "duckdb", "files": "sqlite"}[connection]
    assert f"[make] TYPE {kind} 42" in done.stdout
    assert "[make] CONTEXT make shop 2026-03-01" in done.stdout
    if connection == "db":
        assert project.rows("select n from main.read") == [(42,)]
    else:
        with sqlite3.connect(project.folder / "files.sqlite") as link:
            assert link.execute("select n from read").fetchall() == [(42,)]


@pytest.mark.postgres
def test_queries_on_postgresql(up: Cli, postgres_server: PostgresServer) -> None:
    """The password comes from a variable of the submitting shell."""
    database = postgres_server.create_database()
    project = Project(up.cwd / "shop", config=CONFIG + POSTGRES)
    sdk_script(project, "pg")
    header = "connection: pg\nsecrets: [{key: pg}]\n"
    code = "from bruin import query\nquery('create schema main')\n"
    project.script("before", code, header=header, requirements=REQUIREMENTS)
    place = {
        "SDK_HOST": postgres_server.host,
        "SDK_PORT": str(postgres_server.port),
        "SDK_USER": postgres_server.user,
        "SDK_PASSWORD": postgres_server.password,
        "SDK_DB": database,
    }
    assert not set(place) & set(os.environ)
    done = Cli(up.home, up.cwd, place)("run", "shop", timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[make] TYPE postgres 42" in done.stdout
    assert postgres_server.password not in done.stdout + done.stderr
    with psycopg.connect(postgres_server.url(database)) as link:
        assert link.execute("select n from main.read").fetchall() == [(42,)]
