"""Opens a connection's database for queries of our own. Used by workers.checks and workers.loader.

DuckDB and SQLite files are opened read-only unless a caller must write. No reflection is used:
duckdb-engine's fails on newer DuckDBs.
"""

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection as Link
from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from workers.connections import Connection
from workers.errors import StepFailed
from workers.guard import Guard
from workers.masking import Masker
from workers.secret_values import secret_texts
from workers.sql import dialects
from workers.sql.dialects import Dialect
from workers.sql.names import table_parts
from workers.uris import sqlalchemy_url

BUSY = 30.0  # seconds to wait for a SQLite file that another program holds
CONNECT = 15  # seconds to wait for a server
_COLUMNS = """
    SELECT table_schema, table_name, column_name, data_type
    FROM information_schema.columns
    WHERE lower(table_name) = lower('{table}') AND {where}
    ORDER BY {first}, ordinal_position
"""
_PG_COLUMNS = """
    SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND lower(c.relname) = lower('{table}') AND {where}
    ORDER BY {first}, a.attnum
"""


class QueryFailed(Exception):
    """The database refused a query; the text is its reason, without secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A table as the database has it: its own names, and each column's type."""

    parts: tuple[str, ...]
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An open database. Errors come as QueryFailed, a stop or a time limit as StepFailed."""

    connection: Connection
    link: Link = field(repr=False)
    dialect: Dialect
    masker: Masker = field(repr=False)
    guard: Guard

    def rows(self, query: str, limit: int = 2) -> tuple[list[Sequence[Any]], int]:
        """The first rows of a query's result, and the number of its columns."""
        with self._translated(), self.guard.watching(self._interrupt()):
            result = self.link.exec_driver_sql(query)
            if not result.returns_rows:
                return [], 0
            return [tuple(row) for row in result.fetchmany(limit)], len(result.keys())

    def row(self, query: str) -> Sequence[Any]:
        """The only row of a query that has one."""
        return self.rows(query)[0][0]

    def execute(self, statement: str) -> int:
        """Run a statement and commit; the number of rows it touched, -1 if that is not known."""
        with self._translated(), self.guard.watching(self._interrupt()):
            touched = self.link.exec_driver_sql(statement).rowcount
            self.link.commit()
            return touched

    def shape(self, table: str) -> Shape | None:
        """The table of that name, in any case, None if there is none."""
        parts = table_parts(table)
        if not parts:
            return None
        find = self._sqlite_columns if self.dialect.name == "sqlite" else self._columns
        return find(parts)

    def _columns(self, parts: tuple[str, ...]) -> Shape | None:
        query, schema, default = _COLUMNS, "table_schema", "current_schemas(false)"
        if self.dialect.name != "duckdb":
            query, schema = _PG_COLUMNS, "n.nspname"
        table, owner = (part.replace("'", "''") for part in (parts[-1], ("", *parts)[-2]))
        where = f"{schema}::text = ANY({default}::text[])"
        if len(parts) > 1:
            where = f"lower({schema}) = lower('{owner}')"
        elif self.dialect.name == "duckdb":
            where = f"list_contains({default}, {schema})"
        exact = f"{'c.relname' if schema == 'n.nspname' else 'table_name'} <> '{table}'"
        found, _ = self.rows(query.format(table=table, where=where, first=exact), limit=100_000)
        return _shape(found, self._catalog(found) or parts[:-2])

    def _catalog(self, found: list[Sequence[Any]]) -> tuple[str, ...]:
        """A DuckDB database bears its file's name; a schema of the same name needs both."""
        file = self.connection.file
        same = found and file and file.stem.lower() == str(found[0][0]).lower()
        return (file.stem,) if file and same else ()

    def _sqlite_columns(self, parts: tuple[str, ...]) -> Shape | None:
        schema = parts[-2] if len(parts) > 1 else "main"
        known, _ = self.rows("PRAGMA database_list", limit=100)
        if schema.lower() not in {str(row[1]).lower() for row in known}:
            return None
        quote = self.dialect.identifier
        info = f"PRAGMA {quote(schema)}.table_info({quote(parts[-1])})"
        columns = {str(row[1]): str(row[2]) for row in self.rows(info, limit=100_000)[0]}
        return Shape(parts=(schema, parts[-1]), columns=columns) if columns else None

    def _interrupt(self) -> Callable[[], None]:
        raw: Any = self.link.connection.dbapi_connection
        stop = getattr(raw, "interrupt", None) or getattr(raw, "cancel", None)
        if stop is None:  # duckdb-engine wraps the connection
            stop = getattr(getattr(raw, "c", None), "interrupt", None)
        return stop or (lambda: None)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            with contextlib.suppress(SQLAlchemyError):
                self.link.rollback()
            self.guard.check()
            raise QueryFailed(self.masker.mask(words(error))) from None


def words(error: BaseException) -> str:
    """What the database itself said, without SQLAlchemy's additions."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return str(origin).strip() or type(origin).__name__


def foresee(connection: Connection) -> None:
    """Import what opening will need, which takes 0.1 s; `opened` tells what is missing."""
    with contextlib.suppress(StepFailed, SQLAlchemyError, ImportError):
        create_engine(sqlalchemy_url(connection), poolclass=NullPool)


@contextlib.contextmanager
def opened(
    connection: Connection, *, guard: Guard | None = None, write: bool = False, name: str = "fleet"
) -> Iterator[Database]:
    """The connection's database; nothing is kept unless `execute` commits it.

    `name` is what the server shows for the session. StepFailed (kind "config") if it cannot be
    opened.
    """
    masker = Masker(secret_texts(connection))
    if not write and connection.file is not None and not connection.file.exists():
        raise StepFailed(
            "config", f"connection {connection.name!r}: there is no file {connection.file}"
        )
    engine = create_engine(
        sqlalchemy_url(connection),
        poolclass=NullPool,
        connect_args=_arguments(connection, write=write, name=name),
    )
    if connection.type == "sqlite":
        event.listen(
            engine, "connect", lambda raw, _: _prepare_sqlite(raw, connection, write=write)
        )
    link = _connect(engine, connection, masker)
    try:
        yield Database(
            connection=connection,
            link=link.execution_options(no_parameters=True),
            dialect=dialects.of(connection.type),
            masker=masker,
            guard=guard or Guard(),
        )
    finally:
        with contextlib.suppress(SQLAlchemyError):  # a broken link has nothing to undo
            link.rollback()
        link.close()
        engine.dispose()


def _connect(engine: Any, connection: Connection, masker: Masker) -> Link:
    try:
        link: Link = engine.connect()
    except (SQLAlchemyError, ImportError) as error:
        raise StepFailed(
            "config",
            f"cannot open connection {connection.name!r}",
            detail=masker.mask(words(error)),
            hint=_help(connection, words(error)),
        ) from None
    return link


def _help(connection: Connection, said: str) -> str:
    if "psycopg" in said and "No module" in said:
        return "install the PostgreSQL driver on the worker: pip install 'bruin-fleet[postgres]'"
    if connection.file and "lock" in said.lower():
        return "another program has the file open; end it, or wait and run again"
    return f"check the connection {connection.name!r} of .bruin.yml on this worker"


def _arguments(connection: Connection, *, write: bool, name: str) -> dict[str, Any]:
    if connection.type == "duckdb":
        return {"read_only": not write and connection.file is not None}
    if connection.type == "sqlite":
        return {"timeout": BUSY, "check_same_thread": False}
    return {"connect_timeout": CONNECT, "application_name": name[:63]}


def _prepare_sqlite(raw: Any, connection: Connection, *, write: bool) -> None:
    """Patterns, and the schemas that ingestr keeps in files beside the database."""
    driver: sqlite3.Connection = getattr(raw, "driver_connection", raw)
    driver.create_function("regexp", 2, _regexp, deterministic=True)
    if connection.file is None:
        return
    for schema, file in attached(connection.file):
        driver.execute(
            "ATTACH DATABASE ? AS " + '"' + schema.replace('"', '""') + '"', (str(file),)
        )
    if not write:
        driver.execute("PRAGMA query_only = 1")


def attached(file: Path) -> list[tuple[str, Path]]:
    """The schemas beside a SQLite database, `<base>__<schema><ext>`: at most ten, its bound."""
    prefix = f"{file.stem}__"
    found = [
        (path.stem.removeprefix(prefix), path)
        for path in sorted(file.parent.glob(f"{_literal(prefix)}*{_literal(file.suffix)}"))
        if path.is_file()
    ]
    return [(schema, path) for schema, path in found if schema and schema != "bruin_staging"][:10]


def _literal(text: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", text)


def _regexp(pattern: str, value: object) -> bool | None:
    return None if value is None else re.search(pattern, str(value)) is not None


def _shape(found: list[Sequence[Any]], before: tuple[str, ...]) -> Shape | None:
    """The first table of the rows (schema, table, column, type)."""
    if not found:
        return None
    schema, table = str(found[0][0]), str(found[0][1])
    columns = {str(r[2]): str(r[3]) for r in found if (r[0], r[1]) == (schema, table)}
    return Shape(parts=(*before, schema, table), columns=columns)
