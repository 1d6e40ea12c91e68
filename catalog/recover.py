"""Heals runs whose worker, message or chord was lost. The workers call it, `reconcile` by turns.

Each action is its own compare-and-set, so that any number of hosts may reconcile at once. After an
outage of the catalog the caller waits one lease before it asks who is lost.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, RowMapping, Select, exists, or_, select

from catalog import stopping
from catalog.clock import now
from catalog.engine import reading
from catalog.guarded import each
from catalog.losses import Loss, lose
from catalog.resending import next_due, stale
from catalog.states import ASSET_OPEN, RUN_OPEN, RunState, StepState
from catalog.tables import AssetRun, Run, StepRun
from catalog.values import Claim, Ended, StepError

__all__ = [
    "Lost",
    "died",
    "finish_cancelled",
    "interrupt",
    "lost",
    "next_due",
    "overdue",
    "stale",
    "stuck_levels",
]

_UNSENT = 10.0
"""Seconds after which a run whose first message never reached the broker is begun."""


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
