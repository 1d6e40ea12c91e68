"""Runs the script of a SQL asset in one session. For workers.query_step.

workers.sql.strategies writes the script; here it meets the database, which knows the rest. What is
one transaction is fenced: it is committed once, whoever comes twice or late.
"""

import contextlib
import time
from dataclasses import dataclass, field

from assets_parser import remaining
from workers import crash_points, file_homes, query_failures, query_fence, sessions, waiting
from workers.connections import Connection
from workers.context import StepContext
from workers.engines import QueryFailed
from workers.errors import Locked, NotYet, StepFailed
from workers.guard import Guard
from workers.query_fence import AlreadyThere, QueryFence
from workers.sql import strategies
from workers.sql.names import table_parts
from workers.sql.platforms import Platform
from workers.sql.scripts import Facts, Script, Statement
from workers.sql_session import Answer, Session

_SURE = 10.0  # seconds that a finished transaction waits until its claim is known to stand
_LOOK = 0.2


def script(context: StepContext, facts: Facts | None = None) -> Script:
    """What the asset becomes; BadAsset where that is not possible."""
    annotations = context.options.query_annotations
    return strategies.script(context.spec, facts, query_annotations=annotations)


@dataclass
class ScriptRun:
    """One script in one session. `fence` is None where the engine keeps no record."""

    context: StepContext
    connection: Connection
    platform: Platform
    session: Session
    guard: Guard
    fence: QueryFence | None
    notices: list[str] = field(default_factory=list)

    def carry_out(self, written: Script) -> int | None:
        """Run all of it; the rows that it wrote, None where nobody counts them."""
        mark = str(self.context.previous.get(remaining.WRITTEN, ""))
        if mark == "yes":
            self.context.log.line("an earlier run has written the rows: only the post hooks run")
            self._behind(written)
            return None
        try:
            rows = self._from_start(written, doubtful=bool(mark))
        except AlreadyThere as there:
            who = f"attempt {there.loaded.attempt} of run {there.loaded.run}"
            self.context.log.line(f"{who} has written the rows: nothing is done twice")
            rows = there.loaded.rows if there.loaded.rows >= 0 else None
        self._behind(written)
        return rows

    def _from_start(self, written: Script, *, doubtful: bool) -> int | None:
        self._make_schema(written.schema)
        self._fence_in(written)
        if doubtful and self.fence is None:
            raise self._doubtful()
        self._all(written.before)
        existing = None
        if written.describe:
            existing = self._existing()
            written = script(self.context, Facts(existing=existing))
        return self._within(written, existing)

    def _fence_in(self, written: Script) -> None:
        """AlreadyThere, or StepFailed for who is late; without a fence, that is said."""
        context = self.context
        self._tell(file_homes.notice(context.engine, context.settings, self.connection))
        if self.fence is None or not written.atomic:
            self.fence = None
            if not self.context.may_commit():
                raise StepFailed("lost", "the claim on this step was not renewed in time")
            return self._unrecorded(f"fleet keeps no record in {self.connection.type}")
        try:
            self.fence.open()
        except QueryFailed as error:
            if error.busy:
                raise self._locked(str(error)) from None
            if not self.session.alive:
                raise
            self.fence = None
            self._unrecorded(str(error).strip().partition("\n")[0])

    def _tell(self, notice: str) -> None:
        self.notices += filter(None, [notice])

    def _unrecorded(self, why: str) -> None:
        self._tell(query_fence.unrecorded(self.context, why))

    def _behind(self, written: Script) -> None:
        """The hooks behind the commit: if one fails, the rows are there all the same."""
        try:
            self._all(written.after)
        except StepFailed as error:
            if error.kind == "query" or (isinstance(error, Locked) and self.fence is None):
                raise StepFailed(
                    "hook",
                    error.message,
                    detail=error.detail,
                    hint=error.hint,
                    frames=error.frames,
                ) from error
            raise

    def _within(self, written: Script, existing: tuple[str, ...] | None) -> int | None:
        """The part that is one transaction; undone if any of it fails."""
        try:
            if written.atomic:
                self._one(Statement(text="BEGIN"))
            self._all(written.setup)
            if written.describe:
                produced = self._produced(written.describe)
                written = script(self.context, Facts(existing=existing, produced=produced))
            rows = self._counted(written.main)
            self.guard.check()
            if written.atomic:
                self._commit(rows)
        except BaseException as error:
            if written.atomic:
                self._undo()
            elif isinstance(error, Locked):  # what it has committed already must not be done twice
                raise StepFailed("query", error.message, detail=error.detail) from error
            raise
        finally:
            with contextlib.suppress(QueryFailed, StepFailed):  # the session ends if it cannot
                for statement in written.finish:
                    self.session.run(statement.text)
        return rows

    def _commit(self, rows: int | None) -> None:
        """The last statements, once the claim is known to stand."""
        if self.fence is not None:
            try:
                self.fence.close(rows)
            except QueryFailed as error:
                raise self._unfenced(error) from None
        self._wait_until_sure()
        crash_points.reach("query.before_commit")
        try:
            self._one(Statement(text="COMMIT"))
        except StepFailed as error:
            raise self._unsure(error) from error
        crash_points.reach("query.after_commit")

    def _wait_until_sure(self) -> None:
        deadline = time.monotonic() + _SURE
        while not self.context.may_commit():
            self.guard.check()
            if time.monotonic() > deadline:
                raise NotYet("nothing was committed: the catalog did not confirm the claim", _LOOK)
            time.sleep(_LOOK)

    def _unsure(self, error: StepFailed) -> Exception:
        """What a commit without an answer means: the record tells the next try what came of it."""
        late = error.kind == "timeout"
        if self.session.alive and not late:
            return error
        if not late and (self.fence is not None or not query_fence.adds(self.context.spec)):
            return NotYet("the connection was lost during the commit: it looks what was done", 1.0)
        what = "the time was over" if late else "the connection was lost"
        return StepFailed(
            "lost",
            f"{what} during the commit: whether it is done is not known",
            detail=error.message,
            hint=f"look at {self.context.spec.name}, then run the asset again",
        )

    def _unfenced(self, error: QueryFailed) -> StepFailed:
        if error.busy:
            return self._locked(str(error))
        said = f"the record of this load cannot be written, so nothing was committed: {error}"
        hint = "let the connection's user read and change the tables named _bruin_fleet_loads"
        return StepFailed("query", said.strip(), hint=hint)

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
            if error.busy:
                raise self._locked(str(error)) from None
            spec, project = self.context.spec, self.context.project
            raise query_failures.of(str(error), statement, spec, project) from None
        if statement.refuses and answer.rows:
            key = ", ".join("NULL" if value is None else str(value) for value in answer.rows[0])
            hint = "give one row for each key, or mark more columns with `primary_key: true`"
            raise StepFailed("query", f"{statement.refuses}: {key}", hint=hint)
        return answer

    def _locked(self, said: str) -> Locked:
        """Who holds what the step needs; the transaction is undone, so that one can ask."""
        if self.connection.type != "postgres":
            return waiting.locked(self.connection, said)
        self._undo()
        table = self.platform.dialect.table(table_parts(self.context.spec.name))
        try:
            rows = self.session.run(sessions.holders(table), limit=3).rows
        except QueryFailed:  # what was said first counts
            rows = []
        return waiting.locked(self.connection, said, ", ".join(f"{r[0]}, PID {r[1]}" for r in rows))

    def _doubtful(self) -> StepFailed:
        """A run that this one continues may have added the rows, and kept no record."""
        name, path = self.context.spec.name, self.context.spec.path
        return StepFailed(
            "config",
            f"an earlier run may have added these rows to {name} already: they are not added again",
            hint=f"look at the table; `fleet run {path} --downstream` adds them, and runs what "
            "depends on it",
        )

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
            if error.busy:
                raise self._locked(str(error)) from None
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
