"""Who holds what now: looks that change nothing. A worker's keepers and heart ask."""

from sqlalchemy import Engine, select

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


def held_by(engine: Engine, worker: str, pid: int) -> list[Claim]:
    """The claims of one process of a worker, for the case that it died."""
    query = select(StepRun).where(
        StepRun.state == StepState.RUNNING, StepRun.worker == worker, StepRun.pid == pid
    )
    with reading(engine) as connection:
        return [
            Claim(
                run_id=row.run_id,
                asset=row.asset,
                step=row.step,
                step_id=row.id,
                position=row.position,
                number=row.number,
                attempts_allowed=row.attempts_allowed,
                token=row.token,
                worker=worker,
                locks=("?",),  # whatever it holds is given back
            )
            for row in connection.execute(query)
        ]
