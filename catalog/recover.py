"""Heals runs whose worker, message or chord was lost. Every worker's reconcile timer calls this.

Each action is its own compare-and-set, so that any number of hosts may reconcile at once. After an
outage of the catalog the caller waits one lease before it asks who is lost.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    RowMapping,
    Select,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    update,
)

from catalog import locks, stopping
from catalog.clock import now
from catalog.engine import reading
from catalog.guarded import each
from catalog.losses import Loss, lose
from catalog.states import ASSET_OPEN, RUN_OPEN, RunState, StepState
from catalog.tables import AssetRun, Run, StepRun
from catalog.values import Claim, Ended, StepError, StepKey

_UNSENT = 10.0
"""Seconds after which a step or run that never reached the broker is sent again."""

_PATIENCE = {1: 30.0, 2: 120.0, 3: 480.0}
"""Seconds after which a step that was sent so many times, and taken by nobody, is sent again."""

_LONGEST = 1920.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A step whose worker went silent, and what its end led to: send `ended.wake`, then advance."""

    run_id: str
    asset: str
    step: str
    worker: str
    reason: str
    ended: Ended


def lost(engine: Engine, fleet: str, *, losses_allowed: int = 3) -> list[Lost]:
    """Queue every running step of the fleet whose lease is over, or fail it; these.

    Those that may run again are due at once: the next `stale` gives them. A step may be lost
    `losses_allowed` times.
    """
    query = _claims().where(Run.fleet == fleet, StepRun.lease_until < now())
    with reading(engine) as connection:
        silent = [_claim(row) for row in connection.execute(query).mappings()]
    buried = each(silent, lambda claim: _bury(engine, claim, losses_allowed))
    return [item for _, item in buried if item is not None]


def died(engine: Engine, claim: Claim, message: str, *, losses_allowed: int = 3) -> Ended:
    """The process that held the claim was killed, though its worker lives: as `lost`, at once.

    `message` says which process, and by which signal if that is known.
    """
    hint = "often the host had no memory left: `dmesg` or `journalctl -k` there says so"
    error = StepError(kind="lost", message=message, hint=hint)
    return lose(engine, claim, Loss(error=error, died=True), allowed=losses_allowed)


def stale(engine: Engine, fleet: str) -> list[StepKey]:
    """Queued steps to send now: their time has come, their lock is free, or nobody took them.

    Each is named to one caller only; the next time comes later and later.
    """
    with engine.begin() as connection:
        due = [*_with_free_locks(connection, fleet), *_overdue_steps(connection, fleet)]
        if not due:
            return []
        sent = connection.execute(
            update(StepRun)
            .where(StepRun.id.in_(due), StepRun.state == StepState.QUEUED)
            .values(sent_at=now(), sends=StepRun.sends + 1, waiting_on="")
            .returning(StepRun.run_id, StepRun.asset, StepRun.step)
        )
        return [(row.run_id, row.asset, row.step) for row in sent]


def next_due(engine: Engine, fleet: str) -> float | None:
    """Seconds until the first step that waits for a time may be sent; None if none waits so."""
    query = select(func.min(StepRun.not_before) - now()).where(
        StepRun.state == StepState.QUEUED,
        StepRun.waiting_on == "",
        StepRun.not_before > func.coalesce(StepRun.sent_at, 0.0),
        *_open_run(fleet),
    )
    with reading(engine) as connection:
        found: float | None = connection.scalar(query)
    return found


def stuck_levels(engine: Engine, fleet: str) -> list[str]:
    """Runs to advance: all assets of their level have ended, or their first message was lost."""
    busy = exists().where(
        AssetRun.run_id == Run.id,
        AssetRun.level == Run.level,
        AssetRun.state.in_(ASSET_OPEN),
    )
    begun = or_(Run.level >= 0, Run.created_at < now() - _UNSENT)
    query = select(Run.id).where(
        Run.fleet == fleet, Run.state.in_(RUN_OPEN), Run.stop_state == "", begun, ~busy
    )
    with reading(engine) as connection:
        return list(connection.scalars(query))


def overdue(engine: Engine, fleet: str) -> list[str]:
    """Stop the runs that are past their deadline, to end as failed; those stopped by this call."""
    query = select(Run.id, (Run.deadline - Run.created_at).label("timeout"), Run.created_at).where(
        Run.fleet == fleet, Run.state.in_(RUN_OPEN), Run.stop_state == "", Run.deadline < now()
    )
    with reading(engine) as connection:
        late = connection.execute(query).all()
    words = "it took longer than {:g} s"
    stopped = each(
        late, lambda row: _stop(engine, row.id, RunState.FAILED, words.format(row.timeout))
    )
    return [row.id for row, asked in stopped if asked]


def finish_cancelled(engine: Engine, fleet: str) -> list[str]:
    """End the stopping runs of which nothing runs any more; the ones ended by this call."""
    query = select(Run.id).where(Run.fleet == fleet, Run.state.in_(RUN_OPEN), Run.stop_state != "")
    with reading(engine) as connection:
        stopping_runs = list(connection.scalars(query))
    settled = each(stopping_runs, lambda run_id: stopping.settle(engine, run_id))
    return [run_id for run_id, ended in settled if ended]


def interrupt(engine: Engine, fleet: str, reason: str) -> list[str]:
    """End all runs of a fleet that is known to be dead as `interrupted`; the ones ended."""
    with reading(engine) as connection:
        query = select(Run.id).where(Run.fleet == fleet, Run.state.in_(RUN_OPEN))
        runs = list(connection.scalars(query))
    for run_id in runs:
        _stop(engine, run_id, RunState.INTERRUPTED, reason)
        with reading(engine) as connection:
            running = _claims().where(StepRun.run_id == run_id)
            claims = [_claim(row) for row in connection.execute(running).mappings()]
        for claim in claims:
            lose(engine, claim, Loss(error=StepError(kind="lost", message=reason)), allowed=0)
        stopping.settle(engine, run_id)
    return runs


def _stop(engine: Engine, run_id: str, state: RunState, reason: str) -> bool:
    with engine.begin() as connection:
        asked = stopping.request(connection, run_id, state, reason)
        stopping.finish(connection, run_id)
    return asked


def _bury(engine: Engine, claim: Claim, allowed: int) -> Lost | None:
    silence = _silence(claim)
    ended = lose(engine, claim, Loss(error=silence), allowed=allowed, only_expired=True)
    if ended.refused:  # it was renewed, ended, or somebody else buried it
        return None
    return Lost(
        run_id=claim.run_id,
        asset=claim.asset,
        step=claim.step,
        worker=claim.worker,
        reason=ended.deferred or silence.message,
        ended=ended,
    )


def _silence(claim: Claim) -> StepError:
    return StepError(
        kind="lost",
        message=f"worker {claim.worker} was lost while it ran this step",
        detail="It did not renew its lease in time: it was killed, cut off, or its host stopped.",
        hint="`fleet workers` shows who lives; run the asset again once that is cured.",
    )


def _claims() -> Select[*tuple[Any, ...]]:
    return (
        select(
            StepRun.run_id,
            StepRun.asset,
            StepRun.step,
            StepRun.id.label("step_id"),
            StepRun.position,
            StepRun.number,
            StepRun.attempts_allowed,
            StepRun.losses,
            StepRun.token,
            StepRun.worker,
        )
        .join(Run, Run.id == StepRun.run_id)
        .where(StepRun.state == StepState.RUNNING)
    )


def _claim(row: RowMapping) -> Claim:
    """The claim as its holder has it; the names of its locks do not matter to who buries it."""
    return Claim(**row, locks=("all",))


def _with_free_locks(connection: Connection, fleet: str) -> list[int]:
    """The steps that waited longest for locks whose slots are free, though nobody woke them."""
    waiting = (StepRun.state == StepState.QUEUED, StepRun.waiting_on != "", *_open_run(fleet))
    names = connection.scalars(select(StepRun.waiting_on).where(*waiting).distinct()).all()
    due: list[int] = []
    for name in names:
        query = (
            select(StepRun.id)
            .where(*waiting, StepRun.waiting_on == name)
            .order_by(StepRun.waiting_since, StepRun.id)
            .limit(max(locks.free_slots(connection, name), 0))
            .with_for_update(skip_locked=True)
        )
        due += connection.scalars(query)
    return due


def _overdue_steps(connection: Connection, fleet: str) -> list[int]:
    query = (
        select(StepRun.id, StepRun.sent_at, StepRun.sends)
        .where(StepRun.state == StepState.QUEUED, StepRun.waiting_on == "", *_open_run(fleet))
        .where(StepRun.not_before <= now(), _was_not_taken())
        .order_by(StepRun.id)
        .with_for_update(skip_locked=True)
    )
    return [row.id for row in connection.execute(query)]


def _was_not_taken() -> ColumnElement[bool]:
    """Never sent, sent before its time came, or sent too long ago."""
    patience = case(_PATIENCE, value=StepRun.sends, else_=_LONGEST)
    return or_(
        and_(StepRun.not_before > 0, func.coalesce(StepRun.sent_at, 0.0) < StepRun.not_before),
        and_(StepRun.sends == 0, StepRun.queued_at < now() - _UNSENT),
        and_(StepRun.sends > 0, StepRun.sent_at < now() - patience),
    )


def _open_run(fleet: str) -> tuple[ColumnElement[bool], ...]:
    goes_on = exists().where(
        Run.id == StepRun.run_id,
        Run.fleet == fleet,
        Run.state == RunState.RUNNING,
        Run.stop_state == "",
    )
    return (goes_on,)
