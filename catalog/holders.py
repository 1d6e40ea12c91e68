"""Who holds what now: looks that change nothing. A worker's keepers and heart ask."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine, Row, select

from catalog.engine import reading
from catalog.refusals import why_stale
from catalog.states import RunState, StepState
from catalog.tables import Run, StepRun
from catalog.values import Claim, Standing


def standing(engine: Engine, claim: Claim) -> Standing:
    """What a renewal would say, without one: cheap enough to ask each second."""
    query = (
        select(StepRun.token, StepRun.state, Run.state.label("run_state"), Run.stop_state)
        .add_columns(Run.stop_reason)
        .join(Run, Run.id == StepRun.run_id)
        .where(StepRun.id == claim.step_id)
    )
    with reading(engine) as connection:
        row = connection.execute(query).first()
        if row is None or row.token != claim.token or row.state != StepState.RUNNING:
            return Standing(fenced=True, reason=why_stale(connection, claim))
    if row.run_state != RunState.RUNNING or row.stop_state:
        return Standing(cancelled=True, reason=row.stop_reason)
    return Standing()


def held_by(engine: Engine, worker: str) -> list[tuple[int, Claim]]:
    """The claims of a worker's processes, each with the process id, for the case that it died."""
    query = select(StepRun).where(
        StepRun.state == StepState.RUNNING, StepRun.worker == worker, StepRun.token > 0
    )
    with reading(engine) as connection:
        return [(row.pid, _claim(row)) for row in connection.execute(query)]


def _claim(row: Row[Any]) -> Claim:
    return Claim(
        run_id=row.run_id,
        asset=row.asset,
        step=row.step,
        step_id=row.id,
        position=row.position,
        number=row.number,
        attempts_allowed=row.attempts_allowed,
        token=row.token,
        worker=row.worker,
        locks=("?",),  # whatever it holds is given back
        losses=row.losses,
    )


def alive(engine: Engine, tokens: Iterable[int]) -> frozenset[int]:
    """Those of the claims' tokens that still hold their step."""
    query = select(StepRun.token).where(
        StepRun.token.in_(list(tokens)), StepRun.state == StepState.RUNNING
    )
    with reading(engine) as connection:
        return frozenset(token for token in connection.scalars(query) if token)
