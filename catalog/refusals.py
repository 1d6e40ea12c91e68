"""Why a claim was refused or is stale, in words. Claims and endings ask after a miss."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from catalog.clock import now
from catalog.states import RunState, StepState
from catalog.tables import Run, StepRun
from catalog.values import Claim, Deferred, Refused, StepKey


def step_is(key: StepKey) -> tuple[ColumnElement[bool], ...]:
    """The conditions that name one step."""
    return StepRun.run_id == key[0], StepRun.asset == key[1], StepRun.step == key[2]


def why_not(connection: Connection, key: StepKey) -> Refused | Deferred:
    """Why a step cannot be claimed now."""
    row = _step(connection, key)
    if row is None:
        return Refused(reason=f"the catalog knows no step {key[2]} of {key[1]} in run {key[0]}")
    if row.stop_state or row.run_state != RunState.RUNNING:
        return Refused(reason=f"run {key[0]} {_run_words(row)}")
    if row.state == StepState.QUEUED and row.not_before > row.now:
        reason = row.reason or "it is not time yet"
        return Deferred(reason=reason, not_before=row.not_before)
    return Refused(reason=_state_words(connection, key, row))


def why_stale(connection: Connection, claim: Claim) -> str:
    """Why a claim counts no more."""
    row = _step(connection, (claim.run_id, claim.asset, claim.step))
    if row is None:
        return "the run is no longer in the catalog"
    if row.token == -claim.token:
        return str(row.reason or "its lease ran out and another step took its lock")
    if row.token != claim.token:
        return f"attempt {row.number} of the step replaced this one"
    if row.state == StepState.RUNNING:
        return f"the run {_run_words(row)}"
    return f"the step is {row.state} already" + (f": {row.reason}" if row.reason else "")


def _run_words(row: Row[*tuple[Any, ...]]) -> str:
    if row.stop_state:
        return f"is stopping as {row.stop_state}: {row.stop_reason}"
    return f"is {row.run_state}"


def _state_words(connection: Connection, key: StepKey, row: Row[*tuple[Any, ...]]) -> str:
    if row.state == StepState.RUNNING:
        return f"{row.worker} (pid {row.pid}) runs it already, attempt {row.number}"
    if row.state in (StepState.PENDING, StepState.QUEUED):
        return _predecessor_words(connection, key, row.position)
    return f"it is {row.state} already"


def _predecessor_words(connection: Connection, key: StepKey, position: int) -> str:
    earlier = connection.execute(
        select(StepRun.step, StepRun.state).where(
            StepRun.run_id == key[0], StepRun.asset == key[1], StepRun.position == position - 1
        )
    ).first()
    if earlier is None:
        return "its level has not begun"
    return f"its step {earlier.step} has not succeeded, it is {earlier.state}"


def _step(connection: Connection, key: StepKey) -> Row[*tuple[Any, ...]] | None:
    return connection.execute(
        select(
            StepRun.state,
            StepRun.position,
            StepRun.number,
            StepRun.token,
            StepRun.reason,
            StepRun.worker,
            StepRun.pid,
            StepRun.not_before,
            Run.state.label("run_state"),
            Run.stop_state,
            Run.stop_reason,
            now().label("now"),
        )
        .join(Run, Run.id == StepRun.run_id)
        .where(*step_is(key))
    ).first()
