"""A load by way of a staging table of its attempt. For workers.loading.

ingestr commits as it likes, so it never sees the target: it loads into a table of the attempt, and
workers.load_commit moves the rows. Here is what comes before and after: earlier attempts are shut
out, what they left is dropped, and the staging table is made like the target where names and types
depend on it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sqlalchemy.exc import SQLAlchemyError

from catalog import facts, holders, remains
from workers import crash_points, fences, load_commit, load_session, load_tables, sessions
from workers.connections import Connection
from workers.context import StepContext
from workers.engines import QueryFailed
from workers.errors import StepFailed
from workers.fences import Fence, Loaded
from workers.guard import Guard
from workers.load_commit import Commit
from workers.load_flags import REPLACE, Load
from workers.load_proof import PATIENCE, Given, Proof
from workers.load_session import LoadSession
from workers.load_tables import Place
from workers.outages import asked
from workers.sql.names import snake_case


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What stands ready for ingestr. `had` are the target's columns, None where nobody looked, as
    they do not matter; `copied`: the staging table is an empty copy of it; `loaded`: there is
    nothing left to do."""

    had: Mapping[str, str] | None = None
    copied: bool = False
    loaded: Loaded | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """The staging of one attempt's load of `table`. `plain`: the data's names are as ingestr makes
    them, so that it does not matter what the target's are."""

    context: StepContext
    connection: Connection
    table: str
    plain: bool
    fence: Fence = field(init=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        fence = _fence(self.context, self.connection)
        object.__setattr__(self, "fence", fence)
        object.__setattr__(self, "digest", load_tables.digest(fence.catalog, fence.asset))

    @property
    def name(self) -> str:
        """What ingestr is told to load into."""
        return load_tables.beside(self.table, self._bare)

    @property
    def _bare(self) -> str:
        return load_tables.staging(self.digest, self.fence.token)

    def prepare(self, load: Load) -> Stage:
        """Shut out earlier attempts, drop what they left, copy the target where that matters.

        NoRecords, before anything is made, if fleet may keep none there.
        """
        crash_points.reach("load:begin")
        if self._needs_no_look(load):
            return Stage()
        with load_commit.told(self.table, load), self._opened() as (session, place):
            if session.engine == "postgres":
                self._end_earlier(session)
                load_tables.make_schema(session, place)
            if found := self._shut_out(session, place, load):
                return Stage(loaded=found)
            self._clear(session, place)
            had = load_tables.columns(session, place)
            copied = bool(had) and _depends(session.engine, load, had)
            if copied:
                load_tables.copy_empty(session, place.sibling(self._bare), had)
            return Stage(had=had, copied=copied)

    def move(self, stage: Stage, load: Load, given: Given) -> tuple[Proof, Mapping[str, str]]:
        """Make the staged rows visible; the proof, and the columns that were staged."""
        crash_points.reach("load:staged")
        with self._opened() as (session, place):
            staged = place.sibling(self._bare)
            commit = Commit(
                context=self.context,
                session=session,
                fence=self._at(place),
                place=place,
                staging=staged,
                table=self.table,
                load=load,
                columns=load_tables.columns(session, staged),
                had=None if stage.had is None or remade(session.engine, load) else stage.had,
            )
            proof = commit.run(given)
            if stage.had is None:  # nobody has looked before
                self._clear_behind(session, place)
            return proof, commit.columns

    def _clear_behind(self, session: LoadSession, place: Place) -> None:
        try:
            self._clear(session, place)
        except (QueryFailed, StepFailed) as error:  # the rows are in
            self.context.log.line(f"staging tables stay until the next load: {error}")

    def forget(self) -> None:
        """Drop the staging table of a load that failed, also if the step must stop."""
        if self.connection.file and not self.connection.file.exists():
            return
        with self._opened(Guard(timeout=PATIENCE)) as (session, place):
            load_tables.drop(session, place.sibling(self._bare))

    def _needs_no_look(self, load: Load) -> bool:
        """The first try of a load that makes a file's table anew, whatever it was."""
        first = self.context.claim.number == 1 and not self.fence.earlier
        return first and self.plain and remade(self.connection.type, load) and not _bound(load)

    @contextmanager
    def _opened(self, guard: Guard | None = None) -> Iterator[tuple[LoadSession, Place]]:
        guard = guard or Guard(self.context.stop, self.context.spec.timeout)
        name = sessions.of(self.context.claim)
        with load_session.opened(self.connection, self.table, guard, name) as session:
            yield session, load_tables.place(session, self.table)

    def _at(self, place: Place) -> Fence:
        return replace(self.fence, schema=place.before)

    def _end_earlier(self, session: LoadSession) -> None:
        for name in sessions.end_earlier(session.ask, self.context.claim):
            self.context.log.line(f"ended the session of an earlier attempt, {name!r}")

    def _shut_out(self, session: LoadSession, place: Place, load: Load) -> Loaded | None:
        """Raise the fence for a successor; the record, if this run's rows are in the target."""
        fence = self._at(place)
        known = load_tables.records(session, place)
        if not known and session.engine == "postgres":
            with session.transaction():
                fences.create(session.ask, fence)
        if not known:
            return None
        if self.context.claim.losses:  # others have ended by themselves, and wait for no fence
            with session.transaction(), load_commit.overtaken():
                fences.raise_fence(session.ask, fence)
        return load_commit.loaded(session, place, fence, load)

    def _clear(self, session: LoadSession, place: Place) -> None:
        """Drop this attempt's staging table, and those of the asset's attempts that are over."""
        found = load_tables.stagings(session, place, self.digest)
        others = frozenset(found) - {self.fence.token}
        alive = self._alive(others) if others else others
        for token, table in found.items():
            if token not in alive:
                load_tables.drop(session, table)

    def _alive(self, tokens: frozenset[int]) -> frozenset[int]:
        """Those of the attempts that still go on; all, while nobody can be asked."""
        try:
            return holders.alive(self.context.engine, tokens)
        except SQLAlchemyError:
            return tokens


def _fence(context: StepContext, connection: Connection) -> Fence:
    claim, first = context.claim, context.options.continues
    earlier: tuple[str, ...] = ()
    if first:
        earlier = (first, *asked(context, lambda: remains.continued(context.engine, first)))
    return Fence(
        engine=connection.type,
        schema=(),
        catalog=asked(context, lambda: facts.catalog_id(context.engine)),
        asset=context.spec.name,
        run=claim.run_id,
        attempt=claim.number,
        token=claim.token,
        earlier=earlier,
    )


def remade(engine: str, load: Load) -> bool:
    """Whether the target is thrown away, so that its columns do not matter."""
    return engine != "postgres" and load.strategy == REPLACE


def _depends(engine: str, load: Load, had: Mapping[str, str]) -> bool:
    """Whether ingestr must find the target's columns in its staging table."""
    return not remade(engine, load) or _bound(load) or any(snake_case(n) != n for n in had)


def _bound(load: Load) -> bool:
    return "--schema-contract" in load.flags
