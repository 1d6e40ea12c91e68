"""An open database in which a load is prepared or moved, statement by statement. For load_staging.

Nothing is committed unless `transaction` ends well. DuckDB and SQLite are opened here, in the
process of the step: what is done in them is short, and the lock of the file is held already.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from workers import engines, locks, waiting
from workers.connections import Connection
from workers.engines import Database, QueryFailed
from workers.guard import Guard
from workers.sql.dialects import Dialect
from workers.sql.names import table_parts


class NoAnswer(QueryFailed):
    """The server went away during the commit: nobody knows whether it is done."""


@dataclass(frozen=True, slots=True)
class LoadSession:
    """One link to the destination that commits by itself outside of `transaction`."""

    database: Database
    raw: Any = field(repr=False)

    @property
    def engine(self) -> str:
        """The connection's type."""
        return self.database.connection.type

    @property
    def dialect(self) -> Dialect:
        """How names and texts are written here."""
        return self.database.dialect

    def ask(self, statement: str) -> Sequence[Sequence[Any]]:
        """Run a statement; all its rows. QueryFailed if it is refused."""
        with self._cursor() as cursor:
            cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def touch(self, statement: str) -> int:
        """Run a statement that changes rows; how many it changed."""
        with self._cursor() as cursor:
            cursor.execute(statement)
            if self.engine != "duckdb":
                return int(cursor.rowcount)
            found = cursor.fetchall()
            return int(found[0][0]) if found else 0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end of the body, undo all of it if that raises. NoAnswer of the commit."""
        self.ask("BEGIN IMMEDIATE" if self.engine == "sqlite" else "BEGIN")
        try:
            yield
            self._commit()
        except BaseException:
            with contextlib.suppress(Exception):  # a broken link has nothing to undo
                self.raw.cursor().execute("ROLLBACK")
            raise

    def _commit(self) -> None:
        try:
            self.ask("COMMIT")
        except QueryFailed as error:
            if getattr(self.raw, "closed", False):  # of psycopg: the server is gone
                raise NoAnswer(str(error)) from None
            raise

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[Any]:
        database = self.database
        driver: Any = database.link.dialect.dbapi
        try:
            with database.guard.watching(database.interrupter()):
                cursor = self.raw.cursor()
                yield cursor
                if self.engine != "duckdb":  # whose cursors here are the connection itself
                    cursor.close()
        except driver.Error as error:
            database.guard.check()
            said = database.masker.mask(engines.words(error))
            if waiting.is_busy(error) or waiting.in_use(said):
                raise waiting.locked(database.connection, said) from None
            raise QueryFailed(said) from None


@contextlib.contextmanager
def opened(connection: Connection, table: str, guard: Guard, name: str) -> Iterator[LoadSession]:
    """A session that sees where `table` is or will be. StepFailed if it cannot be opened."""
    with engines.opened(connection, guard=guard, write=True, name=name) as database:
        raw: Any = database.link.connection.dbapi_connection
        if connection.type == "postgres":
            raw.autocommit = True
        if connection.type == "sqlite":
            raw.isolation_level = None
        session = LoadSession(database, raw)
        if connection.type == "sqlite":
            _attach(session, connection, table)
        yield session


def _attach(session: LoadSession, connection: Connection, table: str) -> None:
    """The file of the table's schema, which is made where it is missing."""
    session.ask("PRAGMA legacy_alter_table = ON")  # else views of a table forbid to replace it
    session.ask("PRAGMA synchronous = FULL")
    parts = table_parts(table)
    if connection.file is None or len(parts) < 2:
        return
    file = locks.attached_file(connection.file, ".".join(parts[-2:]))
    known = [str(row[1]) for row in session.ask("PRAGMA database_list")]
    if file is None or parts[-2].lower() in map(str.lower, known):
        return
    if len(known) > 10:  # as many as there can be beside the main one
        session.ask(f"DETACH DATABASE {session.dialect.identifier(known[-1])}")
    quote, text = session.dialect.identifier, session.dialect.literal
    session.ask(f"ATTACH DATABASE {text(str(file))} AS {quote(parts[-2])}")
