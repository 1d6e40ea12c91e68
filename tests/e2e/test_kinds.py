"""One pipeline with an asset of every kind, as a person sees it: planned, run, shown."""

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys

import pytest

from tests.support.cli import FLEET, Cli
from tests.support.project import Project

pytestmark = pytest.mark.e2e

_CONFIG = """\
environments:
  default:
    connections:
      duckdb:
        - {name: db, path: out.duckdb}
      sqlite:
        - {name: app, path: app.db}
"""
_ASSETS = {
    "people.asset.yml": """\
name: raw.people
type: duckdb.seed
parameters: {path: ../data/people.csv}
columns: [{name: id, type: integer, primary_key: true, checks: [{name: unique}]}]
""",
    "orders.asset.yml": """\
name: raw.orders
type: ingestr
parameters: {source_connection: app, source_table: main.orders, destination: duckdb}
columns: [{name: id, type: integer, checks: [{name: not_null}]}]
""",
    "ready.asset.yml": """\
name: raw.ready
type: duckdb.sensor.query
depends: [raw.orders]
parameters: {query: select count(*) from raw.orders}
""",
    "legacy.asset.yml": """\
name: raw.legacy
type: duckdb.source
depends: [raw.orders]
custom_checks: [{name: is there, query: select count(*) from raw.orders, value: 2}]
""",
    "totals.sql": """\
/* @bruin
name: mart.totals
type: duckdb.sql
depends: [raw.ready, raw.people, raw.orders, raw.rates]
materialization: {type: table}
columns: [{name: id, type: integer, checks: [{name: not_null}]}]
@bruin */
select id, n * rate as total from raw.people join raw.orders using (id) join raw.rates using (id)
""",
    "latest.sql": """\
/* @bruin
name: mart.latest
type: duckdb.sql
depends: [mart.totals]
materialization: {type: view}
@bruin */
select * from mart.totals
""",
}


@pytest.fixture(scope="module")
def every(shared: Cli, tmp_path_factory: pytest.TempPathFactory) -> tuple[Cli, Project]:
    """The command beside a pipeline with Python, SQL, a seed, a copy, a sensor and a source."""
    folder = tmp_path_factory.mktemp("kinds")
    project = Project(folder / "shop", config=_CONFIG)
    for name, text in _ASSETS.items():
        (project.folder / "assets" / name).write_text(text)
    (project.folder / "data").mkdir()
    (project.folder / "data" / "people.csv").write_text("id,name\n1,Ada\n2,Bob\n")
    project.table("raw.rates", "[{'id': 1, 'rate': 1.5}, {'id': 2, 'rate': 2.0}]")
    with sqlite3.connect(project.folder / "app.db") as source:
        source.execute("create table orders (id integer primary key, n real)")
        source.executemany("insert into orders values (?, ?)", [(1, 10), (2, 20)])
    return Cli(shared.home, folder), project


def test_a_plan_says_what_each_of_them_does(every: tuple[Cli, Project]) -> None:
    shown = every[0]("plan", "shop").stdout
    for words in (
        r"raw\.orders +ingest main\.orders from app +duckdb:db +1 check +ingestr",
        r"raw\.people +seed data/people\.csv +duckdb:db +1 check +duckdb\.seed",
        r"raw\.rates +create\+replace +duckdb:db +python 3\.11",
        r"raw\.ready +sensor, once +duckdb:db +duckdb\.sensor\.query +after raw\.orders",
        r"raw\.legacy +checks only +duckdb:db +1 check +duckdb\.source",
        r"mart\.totals +create\+replace +duckdb:db +1 check +duckdb\.sql",
        r"mart\.latest +view +duckdb:db +duckdb\.sql +after mart\.totals",
    ):
        assert re.search(words, shown), words


def test_a_run_does_all_of_them(every: tuple[Cli, Project]) -> None:
    cli, project = every
    done = cli("run", "shop")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith("7 succeeded · 4 of 4 checks passed")
    assert project.rows("select * from mart.latest order by 1") == [(1, 15.0), (2, 40.0)]
    assert set(cli.status()["checks"].values()) == {"succeeded"}
    steps = {a["asset"]: [s["step"] for s in a["steps"]] for a in cli.status()["assets"]}
    assert steps["raw.orders"] == ["ingest", "checks"]
    assert steps["raw.legacy"] == ["checks"]


def test_programs_read_their_steps(every: tuple[Cli, Project]) -> None:
    done = every[0]("run", "shop", "--json", "--selector", "raw.people raw.ready")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    last = {e["asset"]: e["step"] for e in events if e["event"] == "asset.finished"}
    assert last == {"raw.people": "checks", "raw.ready": "sensor"}
    # a quick step may begin and end between two looks
    assert {e["step"] for e in events if e["event"] == "asset.changed"} <= {
        "",
        "seed",
        "sensor",
        "checks",
    }


@pytest.mark.parametrize("columns", [80, 100])
def test_nothing_wraps_on_a_terminal(every: tuple[Cli, Project], columns: int) -> None:
    """The plan gives up columns that it can do without; the run's region is as wide as it may."""
    for verb in ("plan", "run"):
        text = _on_terminal(every[0], columns, verb, "shop", "--selector", "raw.* mart.totals")
        lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).replace("\r", "\n").split("\n")
        assert max(map(len, lines)) <= columns, [line for line in lines if len(line) > columns]
        assert "raw.people" in text


def _on_terminal(cli: Cli, columns: int, *arguments: str) -> str:
    """What the command writes to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    size = "import fcntl, os, struct, sys, termios; "
    size += f"fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 24, {columns}, 0, 0)); "
    size += "os.execv(sys.argv[1], sys.argv[1:])"
    argv = [sys.executable, "-c", size, FLEET, *arguments]
    environ = cli.env() | {"TERM": "xterm", "LC_ALL": "C.UTF-8"}
    environ = {k: v for k, v in environ.items() if k not in ("COLUMNS", "LINES")}
    child = subprocess.Popen(argv, cwd=cli.cwd, env=environ, stdin=theirs, stdout=theirs)
    os.close(theirs)
    text = _all_of(ours)
    assert child.wait(timeout=60) == 0
    return text


def _all_of(terminal: int) -> str:
    parts: list[bytes] = []
    try:
        while part := os.read(terminal, 65_536):
            parts.append(part)
    except OSError:  # Linux says so at the end of a terminal
        pass
    os.close(terminal)
    return b"".join(parts).decode()
