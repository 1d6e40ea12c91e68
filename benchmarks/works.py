"""The works that are measured, one function each: what is done, and what it is compared with."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from benchmarks import projects
from benchmarks.measure import Broken, Medians, Memory, alternately
from benchmarks.stage import Stage

ASSET = "workers/inside/launch.py"  # in the command line of each asset's process


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A row of the table. `bruin` and `target` are seconds, as words."""

    title: str
    baseline: str
    bruin: str
    target: str
    measure: Callable[[Stage], tuple[Medians, str]]


def _help(stage: Stage) -> tuple[Medians, str]:
    root = projects.script(stage.project("help"))
    work = lambda: stage.fleet("--help", root=root, up=False)  # noqa: E731
    return alternately(work, lambda: stage.bare.nothing(root), stage.manner), ""


def _validate(stage: Stage) -> tuple[Medians, str]:
    root = projects.checked(stage.project("validate"), 1002)

    def work() -> None:
        _expect("1,002 assets", stage.fleet("validate", ".", root=root, up=False))

    return alternately(work, lambda: stage.bare.headers(root), stage.manner), ""


def _scripts(levels: int, wide: int, *, up: bool = True) -> Callable[..., tuple[Medians, str]]:
    def measure(stage: Stage) -> tuple[Medians, str]:
        root = projects.printing(stage.project(f"printing-{levels}-{wide}-{up}"), levels, wide)

        def work() -> None:
            output = stage.fleet("run", ".", root=root, up=up)
            _expect(f"{levels * wide} hello", f"{output.count('hello from')} hello")

        return alternately(work, lambda: stage.bare.scripts(root), stage.manner), ""

    return measure


def _thousand(stage: Stage) -> tuple[Medians, str]:
    medians, _ = _scripts(10, 100)(stage)
    return medians, f"bare chords of 1,000 no-op tasks: {_chords(stage):.1f} s"


def _chords(stage: Stage) -> float:
    words = [sys.executable, "-m", "benchmarks.chords", "10", "100"]
    environ = dict(stage.environ)
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=True)
    return float(done.stdout)


def _documented(count: int) -> Callable[[Stage], tuple[Medians, str]]:
    def measure(stage: Stage) -> tuple[Medians, str]:
        root = stage.project(f"documented-{count}")
        projects.documented(root, count, _duckdb("db.duckdb"))
        names = [f"doc.t{number}" for number in range(count)]
        return _into_duckdb(stage, root, dict.fromkeys(names, 100_000))

    return measure


def _postgres(stage: Stage) -> tuple[Medians, str]:
    server, database = stage.database
    fields = {"username": server.user, "password": server.password, "host": server.host}
    fields |= {"port": str(server.port), "database": database, "ssl_mode": "disable"}
    root = stage.project("postgres")
    projects.documented(root, 20, projects.connections("postgres", fields))
    uri = f"{server.url(database)}?sslmode=disable"

    def work() -> None:
        stage.fleet("run", ".", root=root)
        _count_postgres(server.url(database), [f"doc.t{number}" for number in range(20)], 100_000)

    def base() -> None:
        stage.bare.tables(root, uri, loads_at_once=2)

    return alternately(work, base, stage.manner), ""


def _grocer(stage: Stage) -> tuple[Medians, str]:
    root = projects.copied("grocer", stage.project("grocer"))

    def run(*flags: str) -> None:
        _expect("50 succeeded · 320 of 320 checks", stage.fleet("run", ".", *flags, root=root))

    return alternately(run, lambda: run("--workers", "1"), stage.manner), ""


def _arrow(stage: Stage) -> tuple[Medians, str]:
    root = stage.project("arrow")
    projects.single(root, projects.ARROW, _duckdb("db.duckdb"))
    return _into_duckdb(stage, root, {"big.table": 5_000_000})


def _dicts(stage: Stage) -> tuple[Medians, str]:
    root = stage.project("dicts")
    projects.single(root, projects.DICTS, _duckdb("db.duckdb"))
    with Memory(ASSET) as memory:  # in a run of its own: looking takes time
        stage.fleet("run", ".", root=root)
    medians, _ = _into_duckdb(stage, root, {"many.dicts": 2_000_000}, dicts=True)
    return medians, f"peak of the asset's process: {memory.peak / 1e6:.0f} MB"


def _into_duckdb(
    stage: Stage, root: Path, tables: Mapping[str, int], *, dicts: bool = False
) -> tuple[Medians, str]:
    uri = f"duckdb:///{root / 'bare.duckdb'}"

    def work() -> None:
        stage.fleet("run", ".", root=root)
        _count_duckdb(root / "db.duckdb", tables)

    def base() -> None:
        stage.bare.tables(root, uri, loads_at_once=1, dicts=dicts)

    return alternately(work, base, stage.manner), ""


def _duckdb(path: str) -> str:
    return projects.connections("duckdb", {"path": path})


def _count_duckdb(path: Path, tables: Mapping[str, int]) -> None:
    with duckdb.connect(str(path), read_only=True) as connection:
        for table, rows in tables.items():
            found = connection.execute(f"select count(*) from {table}").fetchall()
            _same(table, found, rows)


def _count_postgres(url: str, tables: list[str], rows: int) -> None:
    with psycopg.connect(url) as connection:
        for table in tables:
            query: Any = f"select count(*) from {table}"
            _same(table, connection.execute(query).fetchall(), rows)


def _same(table: str, found: list[tuple[Any, ...]], rows: int) -> None:
    if found != [(rows,)]:
        raise Broken(f"{table} should have {rows} rows: {found}")


def _expect(text: str, output: str) -> None:
    if text not in output:
        raise Broken(f"'{text}' is not in what was printed:\n{output[-2000:]}")


_WRITTEN = "functions in a bare Python, tables written by pyarrow, bare ingestr"

WORKS: Mapping[str, Work] = {
    "help": Work(
        title="`fleet --help`",
        baseline="`python -c pass`",
        bruin="-",
        target="< 0.25",
        measure=_help,
    ),
    "validate": Work(
        title="`validate` of 1,002 small Python assets",
        baseline="every header read and parsed by PyYAML in C",
        bruin="0.47",
        target="< 0.6",
        measure=_validate,
    ),
    "embedded": Work(
        title="one printing script, nothing running before",
        baseline="the bare script",
        bruin="0.2 to 0.3",
        target="< 1.5",
        measure=_scripts(1, 1, up=False),
    ),
    "script": Work(
        title="one printing script, with `fleet up`",
        baseline="the bare script",
        bruin="0.2 to 0.3",
        target="< 0.7",
        measure=_scripts(1, 1),
    ),
    "hundred": Work(
        title="100 printing scripts in 10 levels, with `fleet up`",
        baseline="100 bare scripts, two at a time",
        bruin="10.4",
        target="< 4",
        measure=_scripts(10, 10),
    ),
    "documented": Work(
        title="the documentation's example (100,000 rows) to DuckDB, with `fleet up`",
        baseline=_WRITTEN,
        bruin="2.3",
        target="< 2.3",
        measure=_documented(1),
    ),
    "twenty": Work(
        title="twenty such to DuckDB, default settings",
        baseline=f"{_WRITTEN}: writes two at a time, loads one by one",
        bruin="fails; 40.5 with one worker",
        target="< 12",
        measure=_documented(20),
    ),
    "postgres": Work(
        title="twenty such to PostgreSQL",
        baseline=f"{_WRITTEN}: two at a time",
        bruin="23.0",
        target="< 13",
        measure=_postgres,
    ),
    "grocer": Work(
        title="`examples/grocer`: 50 assets, 320 checks, one DuckDB file, default settings",
        baseline="the same with `--workers 1`",
        bruin="fails; 32 with one worker (a public project of 51 assets, 314 checks)",
        target="< 32, < baseline",
        measure=_grocer,
    ),
    "arrow": Work(
        title="an Arrow table of 5,000,000 x 3 to DuckDB",
        baseline=_WRITTEN,
        bruin="6.1 to 8.0",
        target="< 4.5, < 1.2 x bare",
        measure=_arrow,
    ),
    "dicts": Work(
        title="a generator of 2,000,000 dicts to DuckDB",
        baseline="bare pyarrow in batches of 10,000, bare ingestr",
        bruin="115, 0.97 GB",
        target="< 15, < 300 MB",
        measure=_dicts,
    ),
    "thousand": Work(
        title="1,000 printing scripts in 10 levels, with `fleet up`",
        baseline="1,000 bare scripts, two at a time",
        bruin="110",
        target="< 40",
        measure=_thousand,
    ),
}
