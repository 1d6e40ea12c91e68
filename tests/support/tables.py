"""Load and checks steps on real parts: ingestr, DuckDB, SQLite, PostgreSQL. For their tests."""

import atexit
import functools
import itertools
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
from pyarrow import ipc
from sqlalchemy import Engine

from assets_parser.model import Materialization
from assets_parser.spec import AssetSpec, RunOptions
from catalog import engine as engines
from tests.support.step_parts import Lines, Signal
from workers import checks, connections, loader, storage
from workers.connections import Connection
from workers.context import CheckRow, StepContext
from workers.engines import opened
from workers.settings import Settings
from workers.sql.names import resolve

OPTIONS = RunOptions(
    start="2024-01-01T00:00:00+00:00", end="2024-01-01T23:59:59.999999+00:00", execution=""
)
PASSWORD = "p@ss w/rd%é"
_tokens = itertools.count(1)  # as the catalog gives them: later claims have greater ones


@dataclass
class Target:
    """A project with one connection `db`, into which tests load."""

    folder: Path
    config: str  # the connection's part of .bruin.yml, as flow YAML
    kind: str
    home: Path | None = None
    stop: Signal = field(default_factory=Signal)
    log: Lines = field(default_factory=Lines)
    progress: list[Mapping[str, Any]] = field(default_factory=list)
    attempt: int = 1
    run_id: str = ""  # of each step; a run of its own for each first attempt, if it is empty
    latest: str = ""  # the run of the last one
    options: RunOptions = OPTIONS

    def __post_init__(self) -> None:
        text = f"environments: {{default: {{connections: {{{self.kind}: [{self.config}]}}}}}}\n"
        (self.folder / ".bruin.yml").write_text(text, "utf-8")
        self.settings = Settings(home=self.home or self.folder / "home")

    @property
    def connection(self) -> Connection:
        """The connection `db`."""
        file = self.folder / ".bruin.yml"
        return connections.load(file, "", {}, root=self.folder).get("db")

    def load(
        self, table: pa.Table | None, strategy: str = "", *, name: str = "shop.orders", **given: Any
    ) -> Mapping[str, Any]:
        """Write the table as the asset's data and load it; the step's result."""
        key = given.pop("key", "")
        spec = AssetSpec(
            pipeline="shop",
            name=name,
            type="python",
            path="assets/orders.py",
            steps=("materialize", "load", "checks"),
            connection="db",
            materialization=Materialization(type="table", strategy=strategy, incremental_key=key),
            interval_start=given.pop("start", OPTIONS.start),
            interval_end=given.pop("end", OPTIONS.end),
            **given,
        )
        data = None if table is None else self.data(table)
        return loader.run(self.context(spec, "load", {"data": data})).result

    def data(self, table: pa.Table, name: str = "orders.1") -> dict[str, Any]:
        """The record of an Arrow file on storage that holds the table."""
        path = storage.inside(self.settings.storage_path, f"runs/7f3k2/{name}.arrow")
        path.parent.mkdir(parents=True, exist_ok=True)
        with ipc.new_file(str(path), table.schema) as writer:
            writer.write_table(table)
        size, digest = path.stat().st_size, storage.digest(path)
        relative = storage.relative(self.settings.storage_path, path)
        return {"path": relative, "rows": table.num_rows, "bytes": size, "digest": digest}

    @property
    def files(self) -> list[str]:
        """The names of all files on storage."""
        root = self.settings.storage_path
        return sorted(path.name for path in root.rglob("*") if path.is_file())

    def check(self, *, name: str = "shop.orders", **given: Any) -> dict[str, CheckRow]:
        """Run the checks of an asset; the outcomes by id without the asset's name."""
        spec = AssetSpec(
            pipeline="shop",
            name=name,
            type="python",
            path="assets/orders.py",
            steps=("script", "checks"),
            connection="db",
            **given,
        )
        outcomes = checks.run(self.context(spec, "checks", {})).checks
        return {outcome.id.removeprefix(f"{name}:"): outcome for outcome in outcomes}

    def context(self, spec: AssetSpec, step: str, previous: Mapping[str, Any]) -> StepContext:
        """What workers.steps would give the step."""
        claim = SimpleNamespace(
            run_id=self._run(),
            asset=spec.name,
            step=step,
            number=self.attempt,
            losses=self.attempt - 1,
            token=next(_tokens),
            waited=0.0,
        )
        return StepContext(
            settings=self.settings,
            engine=catalog(),  # these steps ask it who it is, and nothing else
            claim=claim,  # type: ignore[arg-type]
            spec=spec,
            options=self.options,
            project=self.folder,
            config=self.folder / ".bruin.yml",
            previous=previous,
            log=self.log,
            stop=self.stop,
            mask=self.log.masker.add,
            progress=self.progress.append,
        )

    def _run(self) -> str:
        if self.attempt == 1 or not self.latest:
            self.latest = f"run{next(_tokens)}"
        return self.run_id or self.latest

    def rows(self, columns: str = "*", name: str = "shop.orders") -> list[Sequence[Any]]:
        """The table's rows, sorted, without the loader's own column."""
        with opened(self.connection) as database:
            shape = database.shape(name)
            assert shape is not None, f"no table {name}"
            names = [c for c in shape.columns if c != "_ingestr_loaded_at"]
            if columns != "*":
                names = [resolve(c, shape.columns) or c for c in columns.split()]
            selected = ", ".join(map(database.dialect.identifier, names))
            query = f"SELECT {selected} FROM {database.dialect.table(shape.parts)}"
            found = database.rows(query, limit=100_000)[0]
        return sorted(found, key=lambda row: [(v is not None, str(v)) for v in row])

    def columns(self, name: str = "shop.orders") -> dict[str, str]:
        """The table's columns and types, without the loader's own."""
        with opened(self.connection) as database:
            shape = database.shape(name)
        assert shape is not None, f"no table {name}"
        return {c: t for c, t in shape.columns.items() if c != "_ingestr_loaded_at"}

    def execute(self, *statements: str) -> None:
        """Change the database."""
        if self.connection.file:
            self.connection.file.parent.mkdir(parents=True, exist_ok=True)
        with opened(self.connection, write=True) as database:
            for statement in statements:
                database.execute(statement)


@functools.cache
def catalog() -> Engine:
    """A catalog of this process, which holds no run."""
    folder = tempfile.TemporaryDirectory(prefix="fleet-catalog-")
    atexit.register(folder.cleanup)
    engine = engines.connect(f"sqlite:///{folder.name}/catalog.db")
    engines.upgrade(engine)
    return engine


def duckdb(folder: Path) -> Target:
    """A DuckDB file that does not exist yet, in a folder that does not either."""
    return Target(folder=folder, kind="duckdb", config="{name: db, path: data/house.duckdb}")


def sqlite(folder: Path) -> Target:
    """A SQLite file that does not exist yet."""
    return Target(folder=folder, kind="sqlite", config="{name: db, path: data/house.db}")
