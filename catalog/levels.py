"""Moves a run from level to level. workers.levels calls this whenever an asset may have ended.

Every call decides from the catalog alone, under the run's row; a duplicate does nothing.
"""

from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, Row, exists, select, update
from sqlalchemy.orm import aliased

from catalog import locks, stopping
from catalog.clock import now
from catalog.counts import count_states
from catalog.states import (
    ASSET_OPEN,
    AssetState,
    RunState,
    StepState,
    before,
    is_terminal,
    require,
)
from catalog.tables import AssetRun, Edge, Run, StepRun
from catalog.values import UnknownRun, to_json

_BY_WAY = " (by way of "


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A level has begun: for each asset the steps of the chain that must now be sent."""

    level: int
    chains: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """This call ended the run. `counts` are its asset runs by state."""

    state: RunState
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """There is nothing to do, and why."""

    reason: str


def begin(engine: Engine, run_id: str) -> Published | Finished | Nothing:
    """Open a run's first level, if no level has begun."""
    with engine.begin() as connection:
        run = _run(connection, run_id)
        if run.level >= 0:
            return Nothing(reason=f"run {run_id} has begun already")
        return _advance(connection, run)


def advance(engine: Engine, run_id: str) -> Published | Finished | Nothing:
    """Open the next level if all assets of this one have ended, or finish the run."""
    with engine.begin() as connection:
        return _advance(connection, _run(connection, run_id))


def confirm_sent(engine: Engine, run_id: str, assets: list[str] | tuple[str, ...]) -> None:
    """Note that the chains of these assets are with the broker."""
    with engine.begin() as connection:
        connection.execute(select(Run.id).where(Run.id == run_id).with_for_update(read=True))
        for start in range(0, len(assets), 500):
            connection.execute(
                update(StepRun)
                .where(StepRun.run_id == run_id, StepRun.state == StepState.QUEUED)
                .where(StepRun.asset.in_(assets[start : start + 500]), StepRun.sends == 0)
                .values(sent_at=now(), sends=1)
            )


def _run(connection: Connection, run_id: str) -> Row[str, str, int, int, str]:
    run = connection.execute(
        select(Run.id, Run.state, Run.level, Run.levels, Run.stop_state)
        .where(Run.id == run_id)
        .with_for_update()
    ).first()
    if run is None:
        raise UnknownRun(f"the catalog knows no run {run_id}")
    return run


def _advance(
    connection: Connection, run: Row[str, str, int, int, str]
) -> Published | Finished | Nothing:
    if is_terminal(RunState(run.state)):
        return Nothing(reason=f"run {run.id} is {run.state} already")
    if run.stop_state:
        return _stop(connection, run.id, RunState(run.stop_state))
    level = run.level
    while not _is_busy(connection, run.id, level):
        if level + 1 >= run.levels:
            return _finish(connection, run.id, RunState(run.state))
        if not _step_up(connection, run.id, level):
            return Nothing(reason=f"level {level + 1} has begun already")
        level += 1
        chains = _open_level(connection, run.id, level)
        if chains:
            return Published(level=level, chains=chains)
    return Nothing(reason=f"assets of level {level} are not done yet")


def _is_busy(connection: Connection, run_id: str, level: int) -> bool:
    query = exists().where(
        AssetRun.run_id == run_id, AssetRun.level == level, AssetRun.state.in_(ASSET_OPEN)
    )
    return bool(connection.scalar(select(query)))


def _step_up(connection: Connection, run_id: str, level: int) -> bool:
    """The compare-and-set by which one caller only opens a level."""
    changed = connection.execute(
        update(Run)
        .where(Run.id == run_id, Run.level == level, Run.stop_state == "")
        .where(Run.state.in_((*before(RunState.RUNNING), RunState.RUNNING)))
        .values(
            level=level + 1,
            state=RunState.RUNNING,
            changed_at=now(),
            **({"started_at": now()} if level < 0 else {}),
        )
    )
    return changed.rowcount == 1


def _open_level(
    connection: Connection, run_id: str, level: int
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    _mark_blocked(connection, run_id, level)
    here = AssetRun.run_id == run_id, AssetRun.level == level, AssetRun.state == AssetState.QUEUED
    connection.execute(
        update(AssetRun)
        .where(*here, AssetRun.steps == "")
        .values(
            state=AssetState.SUCCEEDED,
            reason="this run has nothing to do for it",
            started_at=now(),
            ended_at=now(),
            changed_at=now(),
        )
    )
    ready = connection.execute(
        select(AssetRun.asset, AssetRun.steps).where(*here).order_by(AssetRun.position)
    ).all()
    connection.execute(
        update(StepRun)
        .where(StepRun.run_id == run_id, StepRun.position == 0)
        .where(StepRun.state == StepState.PENDING)
        .where(StepRun.asset.in_(select(AssetRun.asset).where(*here)))
        .values(state=StepState.QUEUED, queued_at=now(), changed_at=now())
    )
    return tuple((row.asset, tuple(row.steps.split(","))) for row in ready)


def _mark_blocked(connection: Connection, run_id: str, level: int) -> None:
    """What depends on a failure does not run, and says on which."""
    for asset, reason in _blocked(connection, run_id, level).items():
        connection.execute(
            update(AssetRun)
            .where(AssetRun.run_id == run_id, AssetRun.asset == asset)
            .where(AssetRun.state.in_(before(AssetState.UPSTREAM_FAILED)))
            .values(
                state=AssetState.UPSTREAM_FAILED,
                reason=reason,
                ended_at=now(),
                changed_at=now(),
            )
        )
        connection.execute(
            update(StepRun)
            .where(StepRun.run_id == run_id, StepRun.asset == asset)
            .where(StepRun.state.in_(before(StepState.SKIPPED)))
            .values(state=StepState.SKIPPED, reason=reason, ended_at=now(), changed_at=now())
        )


def _blocked(connection: Connection, run_id: str, level: int) -> dict[str, str]:
    upstream = aliased(AssetRun)
    query = (
        select(Edge.asset, Edge.upstream, upstream.state, upstream.reason)
        .join(AssetRun, (AssetRun.run_id == Edge.run_id) & (AssetRun.asset == Edge.asset))
        .join(upstream, (upstream.run_id == Edge.run_id) & (upstream.asset == Edge.upstream))
        .where(Edge.run_id == run_id, AssetRun.level == level)
        .where(AssetRun.state == AssetState.QUEUED)
        .where(
            upstream.blocks | upstream.state.in_((AssetState.UPSTREAM_FAILED, AssetState.CANCELLED))
        )
        .order_by(Edge.asset, Edge.upstream)
    )
    reasons: dict[str, str] = {}
    for row in connection.execute(query):
        reasons.setdefault(row.asset, _reason(row.upstream, row.state, row.reason))
    return reasons


def _reason(upstream: str, state: str, reason: str) -> str:
    if state == AssetState.UPSTREAM_FAILED:
        return f"{reason.partition(_BY_WAY)[0]}{_BY_WAY}{upstream})"
    return f"upstream {upstream} {'was cancelled' if state == AssetState.CANCELLED else 'failed'}"


def _stop(connection: Connection, run_id: str, state: RunState) -> Finished | Nothing:
    if not stopping.finish(connection, run_id):
        return Nothing(reason=f"run {run_id} is stopping; some of its steps still run")
    return Finished(state=state, counts=count_states(connection, [run_id])[run_id])


def _finish(connection: Connection, run_id: str, state: RunState) -> Finished:
    counts = count_states(connection, [run_id])[run_id]
    bad = {
        name: counts[name]
        for name in (AssetState.FAILED, AssetState.UPSTREAM_FAILED, AssetState.CANCELLED)
        if name in counts
    }
    end = RunState.FAILED if bad else RunState.SUCCEEDED
    reason = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in bad.items())
    if state == RunState.QUEUED:  # a plan without levels
        require(state, RunState.RUNNING)
    connection.execute(
        update(Run)
        .where(Run.id == run_id, Run.state == state)
        .values(
            state=end, reason=reason, ended_at=now(), changed_at=now(), counts_json=to_json(counts)
        )
    )
    locks.drop(connection, [f"run:{run_id}"])
    return Finished(state=end, counts=counts)
