"""Proves that a load straight into its target wrote what it was given, and repairs what is left.

Called by workers.loading; workers.staged_proof does it for loads by way of a staging table.
ingestr exits 0 although DuckDB dropped a batch with a duplicate key, although a value became NULL,
and although delete+insert doubled rows. Every row that it loads bears the time of its load, so one
query tells what came of this one. Only for engines that we query ourselves.
"""

import importlib.util
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from workers.connections import Connection
from workers.context import Stop
from workers.engines import Database, QueryFailed, Shape, opened
from workers.errors import StepFailed
from workers.guard import Guard
from workers.load_flags import DELETE_INSERT, Load
from workers.sql.names import resolve

STAMP = "_ingestr_loaded_at"
ENGINES = frozenset({"duckdb", "sqlite", "postgres", "mysql"})
PATIENCE = 30.0  # seconds that counting may take; a table without an index may be huge


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """When a load began, by this host's clock, which is ingestr's too."""

    nanoseconds: int

    @staticmethod
    def now() -> "Started":
        """This moment."""
        return Started(nanoseconds=time.time_ns())

    @property
    def text(self) -> str:
        """In UTC, to the microsecond, all digits written; never later than it was."""
        seconds, rest = divmod(self.nanoseconds, 10**9)
        moment = datetime.fromtimestamp(seconds, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"


class Given(Protocol):
    """What was to be loaded, as far as it is known."""

    @property
    def rows(self) -> int:
        """How many rows."""

    @property
    def names(self) -> list[str]:
        """The columns, empty if they are not known."""

    def not_null(self, columns: list[str]) -> dict[str, int]:
        """How many values each of the columns holds, without those that are not known."""

    def distinct(self, columns: list[str]) -> int | None:
        """How many different keys the columns hold together, None if that is not known."""

    def leaves(self, column: str, start: datetime, end: datetime) -> bool:
        """Whether a moment of the column may lie outside start..end, or be missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What stands in the table after a load: the rows that it wrote, and what is worth saying."""

    rows: int
    notices: tuple[str, ...] = ()


def provable(connection: Connection) -> bool:
    """Whether loads into the connection are counted: MySQL's driver is an extra."""
    if connection.type == "mysql":
        return importlib.util.find_spec("pymysql") is not None
    return connection.type in ENGINES


def shape_before(connection: Connection, table: str, stop: Stop) -> Shape | None:
    """The table as it is before the load, None if it is new."""
    if not provable(connection) or (connection.file and not connection.file.exists()):
        return None
    with opened(connection, guard=Guard(stop, PATIENCE)) as database:
        return database.shape(table)


def missing_columns(given: Given, load: Load, before: Shape | None) -> list[str]:
    """Columns of the table that a merge would overwrite with NULL, as the data lacks them."""
    if load.strategy != "merge" or before is None:
        return []
    made = {resolve(name, before.columns) for name in given.names}
    return [name for name in before.columns if name not in made and not name.startswith("_")]


def prove(
    connection: Connection, table: str, given: Given, load: Load, started: Started, *, stop: Stop
) -> Proof:
    """Count what the load wrote. StepFailed if rows or values are missing."""
    if not provable(connection):
        return Proof(rows=given.rows)
    write = load.strategy == DELETE_INSERT
    with opened(connection, write=write, guard=Guard(stop, PATIENCE)) as database:
        try:
            return _proved(database, table, given, load, started)
        except QueryFailed as error:
            return Proof(rows=given.rows, notices=(f"the rows were not counted: {error}",))


def _proved(database: Database, table: str, given: Given, load: Load, started: Started) -> Proof:
    shape = database.shape(table)
    if shape is None:
        raise StepFailed("load", f"ingestr reported success, but there is no table {table}")
    if STAMP not in shape.columns:
        return Proof(rows=given.rows)
    ours = _ours(database, started)
    typed = {name: column for name in load.typed if (column := _column(load, name, shape))}
    counts = ["COUNT(*)", *(f"COUNT({_quoted(database, column)})" for column in typed.values())]
    where = ours if given.rows else "1 = 0"
    name = database.dialect.table(shape.parts)
    stored, *held = database.row(f"SELECT {', '.join(counts)} FROM {name} WHERE {where}")  # noqa: S608
    notices = missing_rows(table, given, load, int(stored))
    if not notices:
        missing_values(given, dict(zip(typed, map(int, held), strict=True)))
    notices += _replaced_outside(database, shape, given, load, where)
    return Proof(rows=int(stored), notices=tuple(notices))


def _ours(database: Database, started: Started) -> str:
    """The condition that picks the rows of this load."""
    stamp = _quoted(database, STAMP)
    if database.dialect.name == "mysql":  # times without a zone there, written in UTC
        return f"{stamp} >= '{started.text.rstrip('Z').replace('T', ' ')}'"
    return f"{stamp} >= TIMESTAMPTZ '{started.text}'"


def missing_rows(table: str, given: Given, load: Load, stored: int) -> list[str]:
    """A notice if repeated keys explain why fewer rows are stored; StepFailed if nothing does."""
    if stored >= given.rows:
        return []
    keys = _known_keys(given, load)
    explained = keys and load.strategy != "append" and given.distinct(keys) in (stored, None)
    if explained and stored:
        lost = given.rows - stored
        return [
            f"{lost:,} of {given.rows:,} rows repeat the primary key {', '.join(keys)} of another"
        ]
    hint = "nothing explains it: look at the table, and run the asset again"
    if load.strategy == "append" and load.keys:
        hint = (
            f"a row with the same primary key ({', '.join(load.keys)}) is already there or comes "
            "twice: use `strategy: merge`, or take `primary_key` off the columns"
        )
    raise StepFailed(
        "load",
        f"ingestr reported success, but only {stored:,} of {given.rows:,} rows are in {table}",
        hint=hint,
    )


def _known_keys(given: Given, load: Load) -> list[str]:
    """The primary key as the data names it; empty if a part of it is not there."""
    if not given.names:
        return list(load.keys)
    found = [name for key in load.keys if (name := resolve(key, given.names))]
    return found if len(found) == len(load.keys) else []


def missing_values(given: Given, held: dict[str, int]) -> None:
    known = given.not_null(list(held))
    lost = {n: known[n] - count for n, count in held.items() if count < known.get(n, 0)}
    if lost:
        words = ", ".join(f"{count:,} of column {name!r}" for name, count in lost.items())
        raise StepFailed(
            "load",
            f"values could not be read as the declared type and were loaded as NULL: {words}",
            hint="correct the values where they come from, or the declared type of the column",
        )


def _replaced_outside(
    database: Database, shape: Shape, given: Given, load: Load, ours: str
) -> list[str]:
    """Take away earlier rows whose key a row of this load has, where ingestr did not.

    It deletes the interval only, so a row outside it would come again with every run.
    """
    key = _column(load, load.incremental_key, shape) if load.interval else None
    if key is None or load.strategy != DELETE_INSERT or load.interval is None:
        return []
    source = resolve(load.incremental_key, given.names) or load.incremental_key
    if not given.leaves(source, *load.interval):
        return []
    name, column = database.dialect.table(shape.parts), _quoted(database, key)
    stale = _again(name, column, ours)
    gone = database.execute(f"DELETE FROM {name} WHERE NOT ({ours}) AND {stale}")  # noqa: S608
    if gone <= 0:
        return []
    return [f"{gone:,} earlier rows outside the interval were replaced by rows with the same {key}"]


def _again(name: str, column: str, ours: str) -> str:
    """The condition that a row of this load has the same key, NULL being a key like others.

    MySQL reads the table that it deletes from only through a table made of it: hence DISTINCT.
    """
    keys = f"(SELECT DISTINCT {column} AS k FROM {name} WHERE {ours}) AS s"  # noqa: S608
    same = f"{column} IN (SELECT k FROM {keys} WHERE k IS NOT NULL)"  # noqa: S608
    none = f"EXISTS (SELECT 1 FROM {keys} WHERE k IS NULL)"  # noqa: S608
    return f"({same} OR ({column} IS NULL AND {none}))"


def _column(load: Load, name: str, shape: Shape) -> str | None:
    return resolve((load.names or {}).get(name, name), shape.columns) if name else None


def _quoted(database: Database, column: str) -> str:
    return database.dialect.identifier(column)
