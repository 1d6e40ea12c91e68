"""Opens a connection's database for queries of our own. Used by the steps that ask or run SQL.

DuckDB and SQLite files are opened read-only unless a caller must write. No reflection is used:
duckdb-engine's fails on newer DuckDBs. Results are read as far as they are asked for.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from sqlalchemy import Connection as Link
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from workers import duckdb_driver, sessions, sqlite_files, waiting
from workers.connections import Connection
from workers.engine_urls import Access, access
from workers.errors import StepFailed
from workers.guard import Guard
from workers.masking import Masker
from workers.secret_values import secret_texts
from workers.sql import dialects, shapes
from workers.sql.dialects import Dialect
from workers.sql.names import table_parts

_MANY = 100_000  # columns, of all tables of one name
_STREAMS = frozenset({"postgres", "redshift"})  # whose driver would fetch everything otherwise


class QueryFailed(Exception):
    """The database refused a query; the text is its reason, without secrets.

    `busy` says that it gave way to another session: nothing of its transaction is done.
    """

    def __init__(self, said: str, *, busy: bool = False) -> None:
        super().__init__(said)
        self.busy = busy


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
    note: str = ""  # a comment before each query, for the server's own logs

    def rows(self, query: str, limit: int = 2) -> tuple[list[Sequence[Any]], int]:
        """The first rows of a query's result, and the number of its columns."""
        read = self._streamed if self.connection.type in _STREAMS else self._read
        with self._translated(), self.guard.watching(self.interrupter()):
            return read(self.note + query, limit)

    def row(self, query: str) -> Sequence[Any]:
        """The only row of a query that has one."""
        return self.rows(query)[0][0]

    def execute(self, statement: str) -> int:
        """Run a statement and commit; the number of rows it touched, -1 if that is not known."""
        with self._translated(), self.guard.watching(self.interrupter()):
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

    def _read(self, query: str, limit: int) -> tuple[list[Sequence[Any]], int]:
        if self.link.dialect.driver == "pymysql":  # closing a result reads the rest of it
            self.link.exec_driver_sql(f"SET SESSION sql_select_limit = {limit}")
        with self.link.execution_options(stream_results=True).exec_driver_sql(query) as result:
            if not result.returns_rows:
                return [], 0
            return [tuple(row) for row in result.fetchmany(limit)], len(result.keys())

    def _streamed(self, query: str, limit: int) -> tuple[list[Sequence[Any]], int]:
        """psycopg's way to read a result row by row, of any statement."""
        self.link.begin() if not self.link.in_transaction() else None
        raw: Any = self.link.connection.dbapi_connection
        with raw.cursor() as cursor:
            stream = cursor.stream(query)
            found = list(islice(stream, limit + 1))
            width = len(cursor.description or ())
            stream.close()
        if len(found) > limit:  # the rest was cancelled, and the transaction with it
            self.link.rollback()
        return found[:limit], width

    def _columns(self, parts: tuple[str, ...]) -> Shape | None:
        found, _ = self.rows(shapes.columns(self.dialect, parts), limit=_MANY)
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
        columns = {str(row[1]): str(row[2]) for row in self.rows(info, limit=_MANY)[0]}
        return Shape(parts=(schema, parts[-1]), columns=columns) if columns else None

    def interrupter(self) -> Callable[[], None]:
        """What ends a running query, from another thread."""
        raw: Any = self.link.connection.dbapi_connection
        if self.link.dialect.driver == "pymysql":
            return lambda: _kill(self.link.engine, raw.thread_id())
        stop = getattr(raw, "interrupt", None) or getattr(raw, "cancel", None)
        if stop is None:  # duckdb-engine wraps the connection
            stop = getattr(getattr(raw, "c", None), "interrupt", None)
        return stop or (lambda: None)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        driver: Any = self.link.dialect.dbapi
        try:
            yield
        except (SQLAlchemyError, driver.Error) as error:
            with contextlib.suppress(SQLAlchemyError):
                self.link.rollback()
            self.guard.check()
            said = self.masker.mask(words(error))
            if waiting.is_busy(error) or (self.connection.file and waiting.in_use(said)):
                raise waiting.locked(self.connection, said) from None
            raise QueryFailed(said) from None


def words(error: BaseException) -> str:
    """What the database itself said, without SQLAlchemy's additions."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return str(origin).strip() or type(origin).__name__


def foresee(connection: Connection) -> None:
    """Import what opening will need, which takes 0.1 s; `opened` tells what is missing."""
    with contextlib.suppress(StepFailed, SQLAlchemyError, ImportError):
        create_engine(access(connection).url, poolclass=NullPool)


@contextlib.contextmanager
def opened(
    connection: Connection,
    *,
    guard: Guard | None = None,
    write: bool = False,
    name: str = "fleet",
    note: str = "",
) -> Iterator[Database]:
    """The connection's database; nothing is kept unless `execute` commits it.

    `name` is what the server shows for the session. StepFailed if it cannot be opened: of kind
    "connection" if another try may, else "config".
    """
    masker = Masker(secret_texts(connection))
    if not write and connection.file is not None and not connection.file.exists():
        connection = _empty(connection)
    engine, link = _connect(connection, access(connection, write=write, name=name), masker, write)
    try:
        yield Database(
            connection=connection,
            link=link.execution_options(no_parameters=True),
            dialect=dialects.of(connection.type),
            masker=masker,
            guard=guard or Guard(),
            note=note,
        )
    finally:
        with contextlib.suppress(SQLAlchemyError):  # a broken link has nothing to undo
            link.rollback()
        link.close()
        engine.dispose()


def _empty(connection: Connection) -> Connection:
    """What stands for a file that nobody has made yet: Bruin makes an empty one of DuckDB."""
    if connection.type != "duckdb":
        raise StepFailed(
            "config", f"connection {connection.name!r}: there is no file {connection.file}"
        )
    return replace(connection, fields={**connection.fields, "path": ""})


def _connect(
    connection: Connection, way: Access, masker: Masker, write: bool
) -> tuple[Engine, Link]:
    try:
        engine = create_engine(way.url, poolclass=NullPool, connect_args=dict(way.arguments))
        event.listen(engine, "connect", lambda raw, _: _prepare(raw, connection, write=write))
        return engine, engine.connect()
    except (NoSuchModuleError, ImportError) as error:
        raise _no_driver(connection, way, error) from None
    except _failures(way) as error:
        said = masker.mask(words(error))
        if connection.file and waiting.in_use(said):
            raise waiting.locked(connection, said) from None
        raise StepFailed(
            "connection",
            f"cannot open connection {connection.name!r}",
            detail=said,
            hint=_help(connection, said),
        ) from None


def _failures(way: Access) -> tuple[type[Exception], ...]:
    """What a driver raises when it cannot connect; some raise errors of their own kinds."""
    if way.extra in ("", "postgres", "mysql"):
        return (SQLAlchemyError,)
    return (SQLAlchemyError, OSError, ValueError, RuntimeError)


def _no_driver(connection: Connection, way: Access, error: Exception) -> StepFailed:
    return StepFailed(
        "config",
        f"connection {connection.name!r}: this worker has no driver for {connection.type}",
        detail=str(error),
        hint=f"install it on the worker: pip install 'bruin-fleet[{way.extra}]'",
    )


def _help(connection: Connection, said: str) -> str:
    if duckdb_driver.NEWER in said:
        return duckdb_driver.NEWER_HINT
    return f"check the connection {connection.name!r} of .bruin.yml on this worker"


def _prepare(raw: Any, connection: Connection, *, write: bool) -> None:
    """What each new link needs before its first query."""
    if connection.type == "sqlite":
        sqlite_files.prepare(raw, connection, write=write)
    if connection.type in ("duckdb", "motherduck"):  # else the host's zone decides what day it is
        raw.execute("SET TimeZone = 'UTC'")
    if connection.type == "postgres":
        _prepare_postgres(raw)


def _prepare_postgres(raw: Any) -> None:
    """Limits for a session whose host dies, or that waits for one whose host has died."""
    raw.autocommit = True
    import psycopg  # noqa: PLC0415 - it made the link, so it is there

    raw.autocommit = True
    with contextlib.suppress(psycopg.DatabaseError):  # some that speak its language lack them
        raw.execute(sessions.settings(raw.info.server_version))
    raw.autocommit = False


def _kill(engine: Engine, thread: int) -> None:
    """MySQL ends a query from another link only."""
    with contextlib.suppress(SQLAlchemyError), engine.connect() as other:
        other.exec_driver_sql(f"KILL QUERY {thread}")


def _shape(found: list[Sequence[Any]], before: tuple[str, ...]) -> Shape | None:
    """The first table of the rows (schema, table, column, type)."""
    if not found:
        return None
    schema, table = str(found[0][0]), str(found[0][1])
    columns = {str(r[2]): str(r[3]) for r in found if (r[0], r[1]) == (schema, table)}
    return Shape(parts=(*before, schema, table), columns=columns)
