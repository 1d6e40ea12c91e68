"""The fence around a SQL asset's transaction: its rows are in the table once, whoever comes again.

Made by workers.query_step for each asset that is one transaction, on an engine that workers.fences
knows. What runs without a transaction cannot be fenced.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assets_parser import remaining
from assets_parser.spec import AssetSpec
from catalog import facts
from workers import fences
from workers.connections import Connection
from workers.context import StepContext
from workers.engines import QueryFailed
from workers.errors import NotYet, StepFailed
from workers.fences import Fence, Loaded, Overtaken
from workers.outages import asked
from workers.sql.names import table_parts
from workers.sql_session import Session

_ENGINES = {"duckdb": "duckdb", "motherduck": "duckdb", "postgres": "postgres"}
_AGAIN = 0.5  # seconds until a step that another run has overtaken is claimed anew
_ADDS = frozenset({"append"})  # strategies that give another table when they are done twice


class AlreadyThere(Exception):
    """The rows of this run are in the table: an earlier attempt has committed them."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        super().__init__(loaded.run)


@dataclass
class QueryFence:
    """The fence of one asset in one session."""

    session: Session
    fence: Fence
    repeated: bool  # whether an earlier attempt, or an earlier run, may have committed
    succeeds: bool  # whether an earlier attempt was lost, and may still be about to commit
    _seen: Loaded | None = None  # of a table that is no more

    def open(self) -> None:
        """Before the work: AlreadyThere if it is done; a successor lets no earlier attempt pass.

        PostgreSQL has its bookkeeping table made here: in a long transaction others would wait.
        QueryFailed where that is not allowed.
        """
        if self.fence.engine == "duckdb" and not self.repeated:
            return
        seen = self._seen = self._loaded()
        if seen and self._exists() and seen.target == self._target:
            if seen.run != self.fence.run:  # for the run that may continue this one
                self._alone(lambda: fences.record(self._ask, self.fence, seen.rows, seen.target))
            raise AlreadyThere(seen)
        if self.succeeds and self.fence.engine != "duckdb":  # a file has one writer at a time
            self._alone(lambda: _check(self._ask, self.fence))

    def close(self, rows: int | None) -> None:
        """The last statements of the transaction. AlreadyThere, or NotYet for a later run's turn.

        StepFailed if this attempt has a successor.
        """
        if self.fence.engine == "duckdb":
            fences.create(self._ask, self.fence)
        _check(self._ask, self.fence)
        if self.repeated and self.fence.engine != "duckdb":
            found = fences.loaded(self._ask, self.fence)
            if found is not None and found != self._seen:  # while this attempt worked
                raise AlreadyThere(found)
        fences.record(self._ask, self.fence, -1 if rows is None else rows, self._target)

    def _loaded(self) -> Loaded | None:
        try:
            return fences.loaded(self._ask, self.fence)
        except QueryFailed as error:
            if error.busy:
                raise
        if self.fence.engine == "duckdb":
            return None  # there is no such table: `close` makes it
        self._alone(lambda: fences.create(self._ask, self.fence))
        return fences.loaded(self._ask, self.fence)

    @property
    def _target(self) -> str:
        return fences.identity(self._ask, self.fence, table_parts(self.fence.asset)[-1])

    def _exists(self) -> bool:
        name = self.fence.dialect.table(table_parts(self.fence.asset))
        try:
            self._ask(f"SELECT 1 FROM {name} LIMIT 0")  # noqa: S608 - quoted
        except QueryFailed as error:
            if error.busy:
                raise
            return False
        return True

    def _ask(self, statement: str) -> Sequence[Sequence[Any]]:
        return self.session.run(statement, limit=100).rows

    def _alone(self, act: Any) -> None:
        """Do something in a transaction of its own."""
        self._ask("BEGIN")
        try:
            act()
            self._ask("COMMIT")
        except BaseException:
            with contextlib.suppress(QueryFailed, StepFailed):  # closing the session undoes it too
                self._ask("ROLLBACK")
            raise


def of(context: StepContext, connection: Connection, session: Session) -> QueryFence | None:
    """The asset's fence; None where the connection's engine keeps no record, or needs none.

    A DuckDB file has one writer at a time, from its opening to its closing: whoever comes later
    finds what was committed before, and only what adds rows must know whose they are.
    """
    engine, claim, spec = _ENGINES.get(connection.type), context.claim, context.spec
    alone = connection.type == "duckdb"
    if engine is None or (alone and (connection.file is None or not adds(spec))):
        return None
    # whether a run that this one continues has written: only where its own end does not say
    doubtful = context.previous.get(remaining.WRITTEN) == "perhaps"
    earlier = (context.options.continues,) if doubtful else ()
    fence = Fence(
        engine=engine,
        schema=table_parts(spec.name)[:-1],
        catalog=asked(context, lambda: facts.catalog_id(context.engine)),
        asset=spec.name,
        run=claim.run_id,
        attempt=claim.number,
        token=claim.token,
        earlier=earlier,
    )
    repeated = claim.number > 1 or claim.waited > 0 or bool(earlier)
    return QueryFence(session, fence, repeated, succeeds=claim.losses > 0)


def unrecorded(context: StepContext, why: str) -> str:
    """What is said of an asset that keeps no record; empty where doing it twice changes nothing."""
    if not adds(context.spec):
        return ""
    return f"at least once: if its worker dies, rows may be in {context.spec.name} twice ({why})"


def adds(spec: AssetSpec) -> bool:
    """Whether the asset's transaction, done twice, gives more rows than done once."""
    return spec.materialization.strategy in _ADDS and not spec.full_refresh


def _check(ask: fences.Ask, fence: Fence) -> None:
    try:
        fences.check(ask, fence)
    except Overtaken as error:
        if error.same_run:
            raise StepFailed("lost", f"nothing was committed: {error}") from None
        raise NotYet(f"nothing was committed: {error}; it is done anew", _AGAIN) from None
