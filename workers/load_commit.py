"""The one transaction in which the rows of a staged load become visible. For workers.load_staging.

It asks the fence first, moves the rows, and writes the record of the load last; all of it is in the
database that holds the target, so all of it is there or nothing is.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from workers import crash_points, fences, load_moves, load_tables, staged_proof
from workers.context import StepContext
from workers.engines import QueryFailed
from workers.errors import NotYet, StepFailed
from workers.fences import Fence, Loaded, Overtaken
from workers.load_flags import Load
from workers.load_moves import Move
from workers.load_proof import STAMP, Given, Proof
from workers.load_session import LoadSession, NoAnswer
from workers.load_tables import Place
from workers.sql.names import resolve
from workers.staged_proof import Staged

_SURE = 20.0  # seconds in which a renewal may come
_LOOK = 0.2
_AGAIN = 0.5  # seconds until a step that another run has overtaken is claimed anew


class TargetChanged(Exception):
    """The target is not as it was when the staging table was made like it: begin again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One load's rows on their way from `staging` to `place`. `table` is the target's name in
    words; `had` its columns before, None where they do not matter; `columns` those staged."""

    context: StepContext
    session: LoadSession
    fence: Fence
    place: Place
    staging: Place
    table: str
    load: Load
    columns: Mapping[str, str]
    had: Mapping[str, str] | None

    def run(self, given: Given) -> Proof:
        """Prove what is staged, and move it. StepFailed if rows or values are missing, or if this
        attempt has a successor; NotYet if a later run was faster; TargetChanged. Nothing is
        changed then.
        """
        session = self.session
        with told(self.table, self.load):
            staged = self._looked(given)
            with session.transaction():
                proof = self._moved(staged)
                crash_points.reach("load:before-commit")
                self._ask_leave()
        crash_points.reach("load:after-commit")
        return proof

    def _looked(self, given: Given) -> Staged:
        if not self.columns:
            raise self._gone()
        self._look_for_key()
        name, load = load_tables.quoted(self.session, self.staging), self.load
        return staged_proof.look(self.session, name, self.columns, given, load, table=self.table)

    def _look_for_key(self) -> None:
        """StepFailed if there is no incremental key: SQLite reads an unknown name as a text, and
        finds no row of the interval."""
        key, read = self.load.incremental_key, self.context.claim.step == "ingest"
        if key and read and not self.load.refreshed and not resolve(key, self.columns):
            have = ", ".join(name for name in self.columns if name != STAMP)
            raise StepFailed(
                "load",
                f"the source has no column {key!r}, which `incremental_key` names; it has: {have}",
                hint="correct it under `materialization`; nothing was changed",
            )

    def _gone(self) -> StepFailed:
        """Why there is no staging table: a successor has dropped it, or ingestr made none."""
        if load_tables.records(self.session, self.place):
            with self.session.transaction(), overtaken():
                fences.check(self.session.ask, self.fence)
        return StepFailed("load", f"ingestr reported success, but made no table for {self.table}")

    def _moved(self, staged: Staged) -> Proof:
        session, fence = self.session, self.fence
        if session.engine != "postgres":  # which has it made before: others would wait for it here
            fences.create(session.ask, fence)
        with overtaken():
            fences.check(session.ask, fence)
        if found := loaded(session, self.place, fence, self.load):
            load_tables.drop(session, self.staging)
            return already(found)
        proof = self._done(self._move(staged), staged)
        target = load_tables.identity(session, self.place, fence, staged.stamp)
        fences.record(session.ask, fence, proof.rows, target)
        return proof

    def _move(self, staged: Staged) -> Move:
        session, load, place = self.session, self.load, self.place
        had = load_tables.columns(session, place)
        if self.had is not None and had != self.had:
            raise TargetChanged
        key = (load.names or {}).get(load.incremental_key, load.incremental_key)
        keyed_staging = load_tables.keyed(session, self.staging)
        relaxed: tuple[str, ...] = ()
        if had and session.engine == "postgres":
            relaxed = load_tables.to_relax(session, place, self.staging, self.columns)
        named = not had and keyed_staging and session.engine == "postgres"
        return Move(
            engine=session.engine,
            strategy=load.strategy,
            target=load_tables.quoted(session, place),
            bare=place.table,
            staging=load_tables.quoted(session, self.staging),
            bare_staging=self.staging.table,
            columns=self.columns,
            had=had or None,
            keys=staged.keys,
            incremental_key=(resolve(key, self.columns) or "") if key else "",
            interval=load.interval,
            repeats=staged.repeats,
            keyed=bool(staged.keys) and load_tables.keyed(session, place),
            keyed_staging=keyed_staging,
            key_name=load_tables.key_name(session, place) if named else "",
            outside=staged.outside,
            by_value=load.by_value,
            relaxed=relaxed,
        )

    def _done(self, move: Move, staged: Staged) -> Proof:
        notices = list(staged.notices)
        notices += [f"{one} of {self.table} takes NULL now, as it comes" for one in move.relaxed]
        outside = load_moves.replaced_outside(move)
        for statement in load_moves.statements(move):
            if statement != outside:
                self.session.ask(statement)
            elif (gone := self.session.touch(statement)) > 0:
                what = f"rows with the same {move.incremental_key}"
                notices.append(
                    f"{gone:,} earlier rows outside the interval were replaced by {what}"
                )
        return Proof(rows=staged.rows, notices=tuple(notices))

    def _ask_leave(self) -> None:
        """Right before the commit: does the claim surely stand? The catalog may be away a while."""
        context, deadline = self.context, time.monotonic() + _SURE
        while not context.may_commit():
            if reason := context.stop.wait(_LOOK):
                raise StepFailed("cancelled", reason)
            if time.monotonic() > deadline:
                unsure = "nothing was committed: the worker could not be sure of its claim"
                raise NotYet(f"{unsure}; it is loaded anew", _AGAIN)


def loaded(session: LoadSession, place: Place, fence: Fence, load: Load) -> Loaded | None:
    """The record of this load, if the table that is there is the one that it tells of.

    A run that this one continues counts where the rows would be doubled.
    """
    found = fences.loaded(session.ask, fence)
    if found is None or (found.run != fence.run and load.strategy != "append"):
        return None
    return found if load_tables.identified(session, place, fence, found.target) else None


def already(found: Loaded) -> Proof:
    """What is said of rows that are there."""
    who = f"attempt {found.attempt} of run {found.run}"
    return Proof(rows=max(found.rows, 0), notices=(f"{who} had loaded the rows already",))


@contextmanager
def overtaken() -> Iterator[None]:
    """StepFailed for an attempt that has a successor, NotYet for one of another run."""
    try:
        yield
    except Overtaken as error:
        if error.same_run:
            raise StepFailed("lost", f"nothing was committed: {error}") from None
        raise NotYet(f"nothing was committed: {error}; it is loaded anew", _AGAIN) from None


@contextmanager
def told(table: str, load: Load) -> Iterator[None]:
    """What the database refuses, as the failure of a load; NotYet if it may have done it."""
    try:
        yield
    except NoAnswer as error:  # the record will tell
        raise NotYet(f"the commit of the rows got no answer: {error}", _AGAIN) from None
    except QueryFailed as error:
        said = str(error)
        hint = f"{table} is as it was before"
        if "duplicate key" in said.lower() or "unique constraint" in said.lower():
            hint = (
                f"a row with the same primary key ({', '.join(load.keys)}) is already there or "
                "comes twice: use `strategy: merge`, or take `primary_key` off the columns"
            )
        message = f"nothing was loaded into {table}: {said.splitlines()[0]}"
        raise StepFailed("load", message, detail=said, hint=hint) from None
