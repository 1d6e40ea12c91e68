"""Who may run a step: claims, leases, fencing. workers.steps and the keeper call this.

Everything is decided by compare-and-sets in one transaction. Rows are locked in one order: the run
(shared, by those who end a step), the step, then lock slots.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased

from assets_parser.spec import AssetSpec, load_spec
from catalog import locks as lock_slots
from catalog.clock import now
from catalog.endings import fail, succeed
from catalog.engine import reading
from catalog.refusals import step_is, why_not, why_stale
from catalog.states import AssetState, RunState, StepState, before
from catalog.tables import AssetRun, Attempt, Run, StepRun
from catalog.values import (
    CheckRow,
    Claim,
    Deferred,
    Ended,
    Refused,
    Standing,
    StepError,
    StepKey,
    Want,
    from_json,
    to_json,
)

__all__ = [
    "CheckRow",
    "Claim",
    "Deferred",
    "Ended",
    "Refused",
    "Standing",
    "StepError",
    "StepKey",
    "Want",
    "claim",
    "fail",
    "renew",
    "spec",
    "succeed",
]


def spec(engine: Engine, run_id: str, asset: str) -> AssetSpec:
    """What a worker must know of one asset of a run; LookupError if the run holds none such."""
    query = select(AssetRun.spec_json).where(AssetRun.run_id == run_id, AssetRun.asset == asset)
    with reading(engine) as connection:
        text = connection.scalar(query)
    if not text:
        raise LookupError(f"run {run_id} has no asset {asset}")
    return load_spec(text)


def claim(
    engine: Engine,
    run_id: str,
    asset: str,
    step: str,
    *,
    worker: str,
    pid: int,
    locks: Sequence[Want] = (),
    lease: float = 20.0,
) -> Claim | Refused | Deferred:
    """The right to run a step for `lease` seconds, with all of `locks` or none; or why not."""
    key = (run_id, asset, step)
    with engine.begin() as connection:
        row = _seize(connection, key, lease)
        if row is None:
            return why_not(connection, key)
        slots = lock_slots.pick(connection, locks) if locks else []
        if isinstance(slots, lock_slots.Busy):
            return _wait(connection, row.id, key, slots)
        token = _begin_attempt(connection, key, row, worker=worker, pid=pid)
        lock_slots.take(connection, slots, key, token)
        return Claim(
            run_id=run_id,
            asset=asset,
            step=step,
            step_id=row.id,
            position=row.position,
            number=row.number + 1,
            attempts_allowed=row.attempts_allowed,
            token=token,
            worker=worker,
            locks=tuple(want.name for want in locks),
            previous=_previous(connection, key, row.position),
        )


def renew(
    engine: Engine, claim: Claim, *, lease: float = 20.0, progress: Mapping[str, Any] | None = None
) -> Standing:
    """Hold a claim for `lease` more seconds and show its progress; says whether to go on."""
    values: dict[str, Any] = {"lease_until": now() + lease}
    if progress is not None:
        values |= {"progress_json": to_json(dict(progress)), "changed_at": now()}
    with engine.begin() as connection:
        held = connection.execute(
            update(StepRun)
            .where(StepRun.id == claim.step_id, StepRun.token == claim.token)
            .where(StepRun.state == StepState.RUNNING)
            .values(**values)
        )
        if held.rowcount == 0:
            return Standing(fenced=True, reason=why_stale(connection, claim))
        run = connection.execute(
            select(Run.state, Run.stop_state, Run.stop_reason).where(Run.id == claim.run_id)
        ).one()
    if run.state != RunState.RUNNING or run.stop_state:
        return Standing(cancelled=True, reason=run.stop_reason or f"the run is {run.state}")
    return Standing()


def _seize(connection: Connection, key: StepKey, lease: float) -> Row[int, int, int, int] | None:
    """The compare-and-set: all conditions of a claim but the locks, in one statement."""
    return connection.execute(
        update(StepRun)
        .where(*step_is(key), StepRun.state.in_(before(StepState.RUNNING)))
        .where(StepRun.not_before <= now(), _run_goes_on(), _predecessor_succeeded())
        .values(state=StepState.RUNNING, lease_until=now() + lease)
        .returning(StepRun.id, StepRun.position, StepRun.number, StepRun.attempts_allowed)
    ).first()


def _run_goes_on() -> ColumnElement[bool]:
    return exists().where(
        Run.id == StepRun.run_id, Run.state == RunState.RUNNING, Run.stop_state == ""
    )


def _predecessor_succeeded() -> ColumnElement[bool]:
    earlier = aliased(StepRun)
    succeeded = exists().where(
        earlier.run_id == StepRun.run_id,
        earlier.asset == StepRun.asset,
        earlier.position == StepRun.position - 1,
        earlier.state == StepState.SUCCEEDED,
    )
    return or_(StepRun.position == 0, succeeded)


def _wait(connection: Connection, step_id: int, key: StepKey, busy: lock_slots.Busy) -> Deferred:
    """Undo the seizure and wait for the lock; what has waited longest keeps its place."""
    connection.execute(
        update(StepRun)
        .where(StepRun.id == step_id)
        .values(
            state=StepState.QUEUED,
            lease_until=None,
            reason=busy.reason,
            waiting_on=busy.name,
            waiting_since=func.coalesce(StepRun.waiting_since, now()),
            changed_at=now(),
        )
    )
    show_step(connection, key)
    return Deferred(reason=busy.reason, waiting_on=busy.name)


def _begin_attempt(
    connection: Connection, key: StepKey, row: Row[int, int, int, int], *, worker: str, pid: int
) -> int:
    """The token, greater than that of any earlier holder of the same locks."""
    run_id, asset, step = key
    token = connection.execute(
        insert(Attempt)
        .values(
            run_id=run_id,
            asset=asset,
            step=step,
            number=row.number + 1,
            state=StepState.RUNNING,
            worker=worker,
            pid=pid,
            started_at=now(),
        )
        .returning(Attempt.id)
    ).scalar_one()
    connection.execute(
        update(StepRun)
        .where(StepRun.id == row.id)
        .values(
            token=token,
            number=row.number + 1,
            worker=worker,
            pid=pid,
            started_at=now(),
            changed_at=now(),
            reason="",
            waiting_on="",
            waiting_since=None,
            not_before=0.0,
            progress_json="",
        )
    )
    show_step(connection, key, running=True)
    return token


def show_step(connection: Connection, key: StepKey, *, running: bool = False) -> None:
    """Let the asset run show this step, and begin it if it has not begun."""
    run_id, asset, step = key
    values: dict[str, Any] = {"step": step, "changed_at": now()}
    if running:
        begins = AssetRun.state.in_(before(AssetState.RUNNING))
        values |= {
            "state": case((begins, AssetState.RUNNING), else_=AssetRun.state),
            "started_at": func.coalesce(AssetRun.started_at, now()),
        }
    connection.execute(
        update(AssetRun).where(AssetRun.run_id == run_id, AssetRun.asset == asset).values(**values)
    )


def _previous(connection: Connection, key: StepKey, position: int) -> dict[str, Any]:
    if position == 0:
        return {}
    query = select(StepRun.result_json).where(
        StepRun.run_id == key[0], StepRun.asset == key[1], StepRun.position == position - 1
    )
    return from_json(connection.scalar(query) or "")
