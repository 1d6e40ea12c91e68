"""One session with a connection's database, in which a SQL asset runs. For workers.query_step.

Temporary tables and settings last as long as the session. Nothing is committed or undone here: the
script says BEGIN, COMMIT and ROLLBACK itself. DuckDB runs in a process of its own.
"""

import contextlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from workers import duckdb_driver, duckdb_files, engines, sessions, waiting
from workers.connections import Connection
from workers.context import StepContext
from workers.duckdb_process import DuckdbFailed, DuckdbProcess, mine
from workers.engines import Database, QueryFailed
from workers.errors import StepFailed
from workers.guard import Guard
from workers.masking import Masker
from workers.secret_values import secret_texts
from workers.sql import bodies

LEASE = 0.75  # of a claim's: DuckDB has let go before anybody else may take the file


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a statement gave: its first rows, its columns, the number of rows it touched or -1."""

    rows: Sequence[Sequence[Any]] = ()
    columns: tuple[str, ...] = ()
    touched: int = -1


class Session(Protocol):
    """Runs statements, one after the other."""

    @property
    def alive(self) -> bool:
        """Whether the database still answers."""

    def run(self, statement: str, limit: int = 0) -> Answer:
        """Run a statement to its end; its first `limit` rows. QueryFailed if it is refused."""

    def drain(self, script: str) -> Answer:
        """Run a script of which nobody wants rows, however many they are."""


@contextlib.contextmanager
def opened(context: StepContext, connection: Connection, guard: Guard) -> Iterator[Session]:
    """A session; what is not committed at its end is undone. StepFailed if it cannot be opened."""
    with contextlib.ExitStack() as stack:
        if connection.type in ("duckdb", "motherduck"):
            yield stack.enter_context(_duckdb(context, connection, guard))
        else:
            yield stack.enter_context(_server(context, connection, guard))


@dataclass(frozen=True, slots=True)
class _Duckdb:
    process: DuckdbProcess
    guard: Guard
    masker: Masker

    def run(self, statement: str, limit: int = 0) -> Answer:
        try:
            said = self.process.ask({"do": "run", "sql": statement, "limit": limit}, self.guard)
        except DuckdbFailed as error:
            why = self.masker.mask(str(error))
            raise QueryFailed(why, busy=waiting.in_use(why)) from None
        return Answer(
            rows=said["rows"], columns=tuple(said["columns"]), touched=int(said["touched"])
        )

    def drain(self, script: str) -> Answer:
        return self.run(script)

    @property
    def alive(self) -> bool:
        return self.process.alive


@contextlib.contextmanager
def _duckdb(context: StepContext, connection: Connection, guard: Guard) -> Iterator[Session]:
    process, settings = mine(), context.settings
    masker = Masker(secret_texts(connection))
    # a name that is no table is an error, also where a variable of the child bears it
    config = {
        "python_enable_replacements": False,
        "storage_compatibility_version": duckdb_files.FORMAT,
    }
    if token := connection.text("token"):
        config["motherduck_token"] = token
    order = {
        "path": _path(connection),
        "config": config,
        "read_only": connection.text("read_only") == "true",
        "cwd": str(_folder(context)),
    }
    try:
        lease = settings.lease * LEASE
        process.open(order, guard, lease=lease, grace=settings.stop_grace)
        yield _Duckdb(process, guard, masker)
    except DuckdbFailed as error:
        raise _cannot_open(connection, masker.mask(str(error))) from None
    finally:
        process.release()


def _folder(context: StepContext) -> Path:
    """Where the run was started, as for Bruin; the root if that is no folder of the project."""
    root = context.project.resolve()
    folder = (root / context.options.folder).resolve()
    return folder if folder.is_relative_to(root) and folder.is_dir() else root


def _path(connection: Connection) -> str:
    """The file, in a folder that is there."""
    file = connection.file
    if connection.type == "motherduck":
        return f"md:{connection.text('database')}"
    if file is None:
        path = connection.text("path")
        if connection.fields.get("lakehouse"):
            message = f"connection {connection.name!r}: SQL assets cannot use a lakehouse yet"
            raise StepFailed("config", message)
        return path if path.startswith("md:") else ":memory:"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise StepFailed("config", f"cannot make the database file {file}: {why}") from error
    return str(file)


def _cannot_open(connection: Connection, said: str) -> StepFailed:
    if waiting.in_use(said):
        return waiting.locked(connection, said)
    hint = f"check the connection {connection.name!r} of .bruin.yml on this worker"
    if duckdb_driver.NEWER in said:
        hint = duckdb_driver.NEWER_HINT
    return StepFailed(
        "connection", f"cannot open connection {connection.name!r}", detail=said, hint=hint
    )


@dataclass(frozen=True, slots=True)
class _Server:
    database: Database
    raw: Any = field(repr=False)  # the driver's connection, which commits by itself

    def run(self, statement: str, limit: int = 0) -> Answer:
        with self._cursor() as cursor:
            cursor.execute(statement)
            names = tuple(str(column[0]) for column in cursor.description or ())
            rows = [tuple(row) for row in cursor.fetchmany(limit)] if names and limit else []
            return Answer(rows=rows, columns=names, touched=cursor.rowcount)

    @property
    def alive(self) -> bool:
        return not getattr(self.raw, "closed", False)

    def drain(self, script: str) -> Answer:
        streams = hasattr(self.raw, "pgconn")  # psycopg, which would keep all rows otherwise
        if not streams or not bodies.is_query(script, "postgres"):
            return self.run(script)
        with self._cursor() as cursor:
            deque(cursor.stream(script), maxlen=0)
        return Answer()

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[Any]:
        database = self.database
        driver: Any = database.link.dialect.dbapi
        try:
            closing = contextlib.closing(self.raw.cursor())  # not every driver's is a context
            with database.guard.watching(database.interrupter()), closing as cursor:
                yield cursor
        except driver.Error as error:
            database.guard.check()
            said = database.masker.mask(engines.words(error))
            raise QueryFailed(said, busy=waiting.is_busy(error)) from None


@contextlib.contextmanager
def _server(context: StepContext, connection: Connection, guard: Guard) -> Iterator[Session]:
    name = sessions.of(context.claim)
    with engines.opened(connection, guard=guard, write=True, name=name) as database:
        link = database.link.execution_options(isolation_level="AUTOCOMMIT")
        raw: Any = link.connection.dbapi_connection
        if hasattr(raw, "add_notice_handler"):
            raw.add_notice_handler(lambda notice: _tell(context, notice))
        session = _Server(database, raw)
        if connection.type == "postgres":
            _end_earlier(context, session)
        yield session


def _end_earlier(context: StepContext, session: Session) -> None:
    """What an attempt that is lost had begun is undone before this one begins."""
    ended = sessions.end_earlier(lambda query: session.run(query, limit=100).rows, context.claim)
    for name in ended:
        context.log.line(f"ended the session of an earlier attempt, {name!r}")


def _tell(context: StepContext, notice: Any) -> None:
    """What a script says with RAISE NOTICE; not that something was there or not there already."""
    text = str(notice.message_primary or "")
    if not text.endswith(", skipping"):
        context.log.line(f"{str(notice.severity).lower()}: {text}")


__all__ = ["Answer", "QueryFailed", "Session", "opened"]
