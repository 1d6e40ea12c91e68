"""How a run is stopped before its plan is done: cancelled, past its deadline, or its fleet dead.

A stop first names the state that the run will have and takes away all that has not begun; the run
ends when nothing of it runs any more. runs.cancel, endings and recover call this.
"""

from sqlalchemy import Connection, Engine, exists, select, update

from catalog.clock import now
from catalog.counts import count_json
from catalog.engine import reading
from catalog.states import AssetState, RunState, StepState, before, open_states
from catalog.tables import AssetRun, Run, StepRun
from catalog.values import words


def request(connection: Connection, run_id: str, state: RunState, reason: str) -> bool:
    """Ask that a run stops and ends in `state`; False if it is over or stopping already."""
    reason = words(reason)
    stopped = connection.execute(
        update(Run)
        .where(Run.id == run_id, Run.stop_state == "", Run.state.in_(before(state)))
        .where(Run.state.in_(open_states(RunState)))
        .values(stop_state=state, stop_reason=reason, reason=reason, changed_at=now())
    )
    if stopped.rowcount == 0:
        return False
    take_away(connection, run_id, reason)
    return True


def take_away(connection: Connection, run_id: str, reason: str) -> None:
    """Cancel what has not begun: steps, then assets none of whose steps runs."""
    connection.execute(
        update(StepRun)
        .where(StepRun.run_id == run_id)
        .where(StepRun.state.in_((StepState.PENDING, StepState.QUEUED)))
        .values(
            state=StepState.CANCELLED,
            reason=reason,
            waiting_on="",
            ended_at=now(),
            changed_at=now(),
        )
    )
    running = exists().where(
        StepRun.run_id == AssetRun.run_id,
        StepRun.asset == AssetRun.asset,
        StepRun.state == StepState.RUNNING,
    )
    connection.execute(
        update(AssetRun)
        .where(AssetRun.run_id == run_id, ~running)
        .where(AssetRun.state.in_(before(AssetState.CANCELLED)))
        .values(state=AssetState.CANCELLED, reason=reason, ended_at=now(), changed_at=now())
    )


def settle(engine: Engine, run_id: str) -> bool:
    """End a run that is stopping if nothing of it runs any more; whether this call ended it."""
    stopping = select(Run.id).where(
        Run.id == run_id, Run.stop_state != "", Run.state.in_(open_states(RunState))
    )
    with reading(engine) as connection:
        if connection.scalar(stopping) is None:
            return False
    with engine.begin() as connection:
        return finish(connection, run_id)


def finish(connection: Connection, run_id: str) -> bool:
    """The same within a transaction."""
    running = exists().where(StepRun.run_id == run_id, StepRun.state == StepState.RUNNING)
    ended = connection.execute(
        update(Run)
        .where(Run.id == run_id, Run.stop_state != "", ~running)
        .where(Run.state.in_(open_states(RunState)))
        .values(state=Run.stop_state, ended_at=now(), changed_at=now())
    )
    if ended.rowcount == 0:
        return False
    counts = count_json(connection, run_id)
    connection.execute(update(Run).where(Run.id == run_id).values(counts_json=counts))
    return True
