"""SQL assets on real databases, without broker or catalog: the query step alone."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from assets_parser.model import Column, Hooks, Materialization
from assets_parser.spec import AssetSpec
from tests.support import tables, warehouse
from tests.support.tables import Target
from workers import query_step
from workers.context import StepContext
from workers.engines import opened

TYPES = {
    "duckdb": "duckdb.sql",
    "postgres": "pg.sql",
    "mysql": "my.sql",
    "clickhouse": "clickhouse.sql",
}
_runs = itertools.count(1)
KEY = Column(name="id", type="integer", primary_key=True)
NAME = Column(name="name", type="varchar", update_on_merge=True)
DAY = Column(name="d", type="date")
SOURCE = (
    "create schema raw",
    "create table raw.src (id integer, name varchar(20), d date)",
    "insert into raw.src values (1, 'a', '2024-01-01'), (2, 'b', '2024-01-02')",
)


@dataclass
class House:
    """A project with a database of one engine, in which assets are run."""

    target: Target
    results: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def engine(self) -> str:
        """duckdb or postgres."""
        return self.target.kind

    def sql(self, *statements: str) -> None:
        """Change the database."""
        self.target.execute(*statements)

    def run(
        self, query: str, strategy: str | None = "", *, name: str = "shop.t", **given: Any
    ) -> Any:
        """Run an asset; the number of rows that it wrote. Strategy None: not materialized."""
        result = query_step.run(self.context(query, strategy, name=name, **given)).result
        self.results.append(result)
        return result["rows"]

    def context(
        self, query: str, strategy: str | None = "", *, name: str = "shop.t", **given: Any
    ) -> StepContext:
        """What the step would be given for an asset, whose file is written."""
        run_id = given.pop("run_id", "")  # another run each time, unless it is said
        form = given.pop("form", "" if strategy is None else "table")
        details = {word: given.pop(word) for word in _FORM & set(given)}
        hooks = Hooks(pre=tuple(given.pop("pre", ())), post=tuple(given.pop("post", ())))
        body = self.target.folder / "assets" / "t.sql"
        body.parent.mkdir(exist_ok=True)
        body.write_text(f"/* @bruin\n@bruin */\n{query}\n", "utf-8")
        spec = AssetSpec(
            pipeline="shop",
            name=name,
            type=TYPES[self.engine],
            path="assets/t.sql",
            body_path="assets/t.sql",
            steps=("query",),
            connection="db",
            materialization=Materialization(type=form, strategy=strategy or "", **details),
            query=query,
            query_line=3,
            hooks=hooks,
            interval_start=given.pop("start", tables.OPTIONS.start),
            interval_end=given.pop("end", tables.OPTIONS.end),
            **given,
        )
        self.target.run_id = run_id or f"run{next(_runs)}"
        return self.target.context(spec, "query", {})

    def rows(self, columns: str = "*", name: str = "shop.t") -> list[Sequence[Any]]:
        """The table's rows, sorted."""
        return self.target.rows(columns, name)


_FORM = frozenset({"incremental_key", "incremental_predicate", "time_granularity", "partition_by"})


def run(
    target: Target, query: str, strategy: str = "", *, kind: str = "table", **given: Any
) -> Mapping[str, Any]:
    """Run `shop.orders`, an asset of which the steps know the query only; the step's result."""
    form = {name: given.pop(name) for name in _FORM & set(given)}
    spec = AssetSpec(
        pipeline="shop",
        name=given.pop("name", "shop.orders"),
        type=TYPES[target.kind],
        path="assets/orders.sql",
        steps=("query",),
        connection="db",
        query=query,
        materialization=Materialization(type=kind, strategy=strategy, **form),
        interval_start=tables.OPTIONS.start,
        interval_end=tables.OPTIONS.end,
        **given,
    )
    return query_step.run(target.context(spec, "query", {})).result


def rows(
    target: Target, query: str = "SELECT * FROM shop.orders ORDER BY 1"
) -> list[Sequence[Any]]:
    """What a query gives."""
    with opened(target.connection) as database:
        return database.rows(query, limit=1000)[0]


@pytest.fixture(scope="module")
def server() -> Iterator[warehouse.Server]:
    """One PostgreSQL for the module that imports this."""
    with warehouse.running() as running:
        yield running


@pytest.fixture(params=["duckdb", "postgres"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    """An empty database of each engine."""
    if request.param == "duckdb":
        return House(tables.duckdb(tmp_path))
    return House(request.getfixturevalue("server").target(tmp_path))
