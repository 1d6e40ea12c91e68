"""The query step: a SQL asset in one session with its connection. Called by workers.steps.

workers.sql.strategies writes the script; here it meets the database, which knows the rest.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from assets_parser import remaining
from workers import connections, query_failures, sql_session
from workers.connections import Connection
from workers.context import StepContext, StepResult
from workers.engines import QueryFailed
from workers.errors import StepFailed
from workers.guard import Guard
from workers.prefixed import with_existing_tables
from workers.secret_values import secret_texts
from workers.sql import platforms, strategies
from workers.sql.names import table_parts
from workers.sql.platforms import Platform
from workers.sql.scripts import BadAsset, Facts, Script, Statement
from workers.sql_session import Answer, Session


def run(context: StepContext) -> StepResult:
    """Run the asset's script. StepFailed says what the database, or the definition, refused."""
    began = time.monotonic()
    connection = connections.of(context).get(context.spec.connection)
    context.mask(secret_texts(connection))
    guard = Guard(context.stop, context.spec.timeout)
    mark = _refuse_twice(context)
    with _refusals():
        platform = _platform(context, connection)
        written = _script(context)
        with sql_session.opened(context, connection, guard) as session:
            read = _of_environment(context, platform, session)
            written = written if read is context else _script(read)
            run = _Run(read, platform, session, guard)
            rows = run.behind(written) if mark else run.carry_out(written)
    if rows is not None:
        said = f"{rows:,} {'row' if rows == 1 else 'rows'} written to {context.spec.name}"
        with contextlib.suppress(OSError):  # they are committed: a full disk must not repeat them
            context.log.line(said)
    return StepResult(
        result={
            "rows": rows,
            "table": context.spec.name,
            "destination": connection.type,
            "seconds": round(time.monotonic() - began, 3),
            "notices": [],
        }
    )


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except BadAsset as error:
        raise StepFailed("config", str(error), hint=error.hint) from None  # the same next time


def _refuse_twice(context: StepContext) -> str:
    """Whether an earlier run has added the asset's rows; StepFailed where that is not known."""
    mark = str(context.previous.get(remaining.WRITTEN, ""))
    if mark == "perhaps":
        name, path = context.spec.name, context.spec.path
        raise StepFailed(
            "config",
            f"an earlier run may have added these rows to {name} already: they are not added again",
            hint=f"look at the table; `fleet run {path} --downstream` adds them, and runs what "
            "depends on it",
        )
    if mark:
        context.log.line("an earlier run has written the rows: only the post hooks run")
    return mark


def _platform(context: StepContext, connection: Connection) -> Platform:
    platform = platforms.of(context.spec.type)
    if connection.type not in platform.connections:
        wanted = " or ".join(sorted(platform.connections))
        raise StepFailed(
            "config",
            f"assets of type {context.spec.type!r} run on a connection of type {wanted}, but "
            f"{connection.name!r} is of type {connection.type!r}",
        )
    return platform


def _script(context: StepContext, facts: Facts | None = None) -> Script:
    annotations = context.options.query_annotations
    return strategies.script(context.spec, facts, query_annotations=annotations)


def _of_environment(context: StepContext, platform: Platform, session: Session) -> StepContext:
    """The context with the SQL of an environment whose schemas have a prefix."""

    def exists(name: str) -> bool:
        query = platform.find_table(platform.dialect, table_parts(name))
        return bool(session.run(query, limit=1).rows)

    spec = with_existing_tables(context.spec, exists, platform.grammar)
    return context if spec is context.spec else replace(context, spec=spec)


@dataclass(frozen=True)
class _Run:
    """One script in one session."""

    context: StepContext
    platform: Platform
    session: Session
    guard: Guard

    def carry_out(self, script: Script) -> int | None:
        """Run all of it; the rows that it wrote, None where nobody counts them."""
        self._make_schema(script.schema)
        self._all(script.before)
        existing = None
        if script.describe:
            existing = self._existing()
            script = _script(self.context, Facts(existing=existing))
        rows = self._within(script, existing)
        self.behind(script)
        return rows

    def behind(self, script: Script) -> int | None:
        """The hooks behind the commit: if one fails, the rows are there all the same."""
        try:
            self._all(script.after)
        except StepFailed as error:
            if error.kind == "query":
                error.kind = "hook"
            raise
        return None

    def _within(self, script: Script, existing: tuple[str, ...] | None) -> int | None:
        """The part that is one transaction; undone if any of it fails."""
        try:
            if script.atomic:
                self._one(Statement(text="BEGIN"))
            self._all(script.setup)
            if script.describe:
                produced = self._produced(script.describe)
                script = _script(self.context, Facts(existing=existing, produced=produced))
            rows = self._counted(script.main)
            self.guard.check()
            if script.atomic:
                self._commit()
        except BaseException:
            if script.atomic:
                self._undo()
            raise
        finally:
            with contextlib.suppress(QueryFailed, StepFailed):  # the session ends if it cannot
                for statement in script.finish:
                    self.session.run(statement.text)
        return rows

    def _commit(self) -> None:
        """A step whose commit got no answer is not tried again: it may be done already."""
        try:
            self._one(Statement(text="COMMIT"))
        except StepFailed as error:
            late = error.kind == "timeout"
            if self.session.alive and not late:
                raise
            what = "the time was over" if late else "the connection was lost"
            raise StepFailed(
                "lost",
                f"{what} during the commit: whether it is done is not known",
                detail=error.message,
                hint=f"look at {self.context.spec.name}, then run the asset again",
            ) from error

    def _undo(self) -> None:
        with contextlib.suppress(QueryFailed, StepFailed):  # closing the session undoes it too
            self.session.run("ROLLBACK")

    def _counted(self, statements: tuple[Statement, ...]) -> int | None:
        touched = [self._one(one).touched for one in statements]
        counts = [n for n, one in zip(touched, statements, strict=True) if one.counted]
        return sum(counts) if counts and min(counts) >= 0 else None

    def _all(self, statements: tuple[Statement, ...]) -> None:
        for statement in statements:
            self._one(statement)

    def _one(self, statement: Statement) -> Answer:
        try:
            if not statement.refuses and not statement.counted:
                return self.session.drain(statement.text)
            answer = self.session.run(statement.text, limit=1)
        except QueryFailed as error:
            spec, project = self.context.spec, self.context.project
            raise query_failures.of(str(error), statement, spec, project) from None
        if statement.refuses and answer.rows:
            key = ", ".join("NULL" if value is None else str(value) for value in answer.rows[0])
            hint = "give one row for each key, or mark more columns with `primary_key: true`"
            raise StepFailed("query", f"{statement.refuses}: {key}", hint=hint)
        return answer

    def _make_schema(self, text: str) -> None:
        """Make the schema unless it is there: that needs a right which an asset may not have.

        Another asset that makes it at the same moment makes this one fail, but not the asset.
        """
        parts = table_parts(self.context.spec.name)
        find = self.platform.find_schema(self.platform.dialect, parts) if text else ""
        if not text or self.session.run(find, limit=1).rows:
            return
        try:
            self.session.run(text)
        except QueryFailed as error:
            if not self.session.run(find, limit=1).rows:
                raise StepFailed("query", str(error), detail=text) from None

    def _existing(self) -> tuple[str, ...] | None:
        """The columns of the asset's table, None if there is none."""
        parts = table_parts(self.context.spec.name)
        dialect = self.platform.dialect
        try:
            if not self.session.run(self.platform.find_table(dialect, parts), limit=1).rows:
                return None
            return self.session.run(f"SELECT * FROM {dialect.table(parts)} LIMIT 0").columns  # noqa: S608
        except QueryFailed as error:
            said = f"cannot look at {self.context.spec.name}: {error}"
            raise StepFailed("query", said) from None

    def _produced(self, describe: Statement) -> tuple[str, ...]:
        """The columns that the query gives; none if it stands in no subquery: then they go by
        position, and what is wrong with the query itself is told when it runs."""
        saved = self.platform.savepoints
        if saved:
            self.session.run("SAVEPOINT fleet")
        try:
            return self.session.run(describe.text).columns
        except QueryFailed:
            return ()
        finally:
            if saved:
                self.session.run("ROLLBACK TO SAVEPOINT fleet")
