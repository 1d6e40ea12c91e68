"""Who may run a step: claims, leases, fencing. workers.steps and the keeper call this.

Everything is decided by compare-and-sets in one transaction. Rows are locked in one order: the run
(shared, by those who end a step), the step, then lock slots.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, RowMapping, select, update

from assets_parser.spec import AssetSpec, load_spec
from catalog import admission
from catalog import locks as lock_slots
from catalog.clock import now
from catalog.endings import defer, fail, give_back, succeed
from catalog.engine import reading
from catalog.refusals import why_not, why_stale
from catalog.statements import (
    BEGIN_ATTEMPT,
    EARLIER_CHECKS,
    HOLD_STEP,
    PREVIOUS_RESULT,
    SEIZE,
    SHOW_RUNNING,
    SHOW_WAITING,
    WAIT,
)
from catalog.states import ASSET_OPEN, STEP_OPEN, RunState, StepState
from catalog.tables import AssetRun, Run, StepRun
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
    "defer",
    "fail",
    "give_back",
    "renew",
    "spec",
    "succeed",
    "unmade",
]


def spec(engine: Engine, run_id: str, asset: str) -> AssetSpec:
    """What a worker must know of one asset of a run; LookupError if the run holds none such."""
    query = select(AssetRun.spec_json).where(AssetRun.run_id == run_id, AssetRun.asset == asset)
    with reading(engine) as connection:
        text = connection.scalar(query)
    if not text:
        raise LookupError(f"run {run_id} has no asset {asset}")
    return load_spec(text)


def unmade(engine: Engine, run_id: str, assets: Sequence[str]) -> list[str]:
    """Those of the assets that have a step before their checks which has not ended."""
    query = (
        select(StepRun.asset)
        .join(AssetRun, (AssetRun.run_id == StepRun.run_id) & (AssetRun.asset == StepRun.asset))
        .where(StepRun.run_id == run_id, StepRun.asset.in_(assets), StepRun.step != "checks")
        .where(StepRun.state.in_(STEP_OPEN), AssetRun.state.in_(ASSET_OPEN))
        .distinct()
        .order_by(StepRun.asset)
    )
    with reading(engine) as connection:
        return list(connection.scalars(query))


def claim(
    engine: Engine,
    run_id: str,
    asset: str,
    step: str,
    *,
    worker: str,
    pid: int,
    host: str = "",
    locks: Sequence[Want] = (),
    lease: float = 20.0,
    contract: int = 0,
) -> Claim | Refused | Deferred:
    """The right to run a step for `lease` seconds, with all of `locks` or none; or why not.

    `contract` is that of the worker's messages, which must be the run's.
    """
    key = (run_id, asset, step)
    with engine.begin() as connection:
        row = connection.execute(SEIZE, _names(key) | {"lease_": lease}).first()
        if row is None:
            return why_not(connection, key)
        if objection := admission.objection(connection, row, worker, contract):
            return objection
        slots = lock_slots.pick(connection, locks) if locks else []
        if isinstance(slots, lock_slots.Busy):
            return _wait(connection, row.id, key, slots)
        who = {"worker_": worker, "pid_": pid, "host_": host}
        token, waited = _begin_attempt(connection, key, row, who)
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
            waited=waited,
            earlier=_earlier(connection, key, row.number),
            losses=row.losses,
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


def _names(key: StepKey) -> dict[str, Any]:
    return {"run_": key[0], "asset_": key[1], "step_": key[2]}


def _wait(connection: Connection, step_id: int, key: StepKey, busy: lock_slots.Busy) -> Deferred:
    """Undo the seizure and wait for the lock."""
    values = {"id_": step_id, "reason_": busy.reason, "lock_": busy.name}
    connection.execute(WAIT, values)
    connection.execute(SHOW_WAITING, _names(key))
    return Deferred(reason=busy.reason, waiting_on=busy.name)


def _begin_attempt(
    connection: Connection, key: StepKey, row: Row[*tuple[Any, ...]], who: Mapping[str, Any]
) -> tuple[int, float]:
    """The token, greater than that of any earlier holder of the same locks; the time waited."""
    values = {"number_": row.number + 1, **who}
    token = int(connection.execute(BEGIN_ATTEMPT, _names(key) | values).scalar_one())
    del values["host_"]
    held = connection.execute(HOLD_STEP, values | {"id_": row.id, "token_": token})
    waited = float(held.scalar_one())
    connection.execute(SHOW_RUNNING, _names(key))
    return token, waited


def _previous(connection: Connection, key: StepKey, position: int) -> dict[str, Any]:
    if position == 0:
        return {}
    values = {"run_": key[0], "asset_": key[1], "position_": position - 1}
    return from_json(connection.scalar(PREVIOUS_RESULT, values) or "")


def _earlier(connection: Connection, key: StepKey, number: int) -> tuple[CheckRow, ...]:
    """What the checks of the attempt before this one saw."""
    if number == 0 or key[2] != "checks":
        return ()
    found = connection.execute(EARLIER_CHECKS, _names(key) | {"number_": number}).mappings()
    rows = {row["position"]: _check_row(row) for row in found}
    return tuple(rows.values())


def _check_row(row: RowMapping) -> CheckRow:
    names = [name for name in CheckRow.__dataclass_fields__ if name in row]
    return CheckRow(id=row["check_id"], **{name: row[name] for name in names})
