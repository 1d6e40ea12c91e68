"""Figures of a whole fleet, for monitoring: counts and ages, never names of assets or texts.

dispatcher.metrics asks, once per scrape. Everything is read in one short transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, case, func, select

from catalog.clock import now
from catalog.engine import reading
from catalog.states import RUN_OPEN, RunState, StepState
from catalog.tables import Artifact, Attempt, CheckResult, Run, StepRun, Worker

DEFAULT_QUEUE = "fleet"
"""Where a step waits that was sent nowhere yet."""

_NAMES = {"": DEFAULT_QUEUE, "-": "nobody"}  # "-": no living worker can take it


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Steps of one queue that could run now (`ready`), wait for a reason, or run."""

    name: str
    ready: int = 0
    waiting: int = 0
    running: int = 0
    oldest: float = 0.0  # seconds that the oldest ready step has waited


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The living workers of one host."""

    name: str
    workers: int
    slots: int
    draining: int
    silent: float  # seconds since the one heard of least


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """Ended attempts of one kind of step, in one state."""

    step: str
    state: str
    number: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One look at a fleet."""

    runs: Mapping[str, int] = field(default_factory=dict)
    queues: Sequence[Queue] = ()
    hosts: Sequence[Host] = ()
    tries: Sequence[Tries] = ()
    checks: Mapping[bool, int] = field(default_factory=dict)
    artifact_bytes: int = 0


def of_fleet(engine: Engine, fleet: str, lease: float) -> Figures:
    """The figures of a fleet; a worker that was silent for `lease` seconds does not count."""
    with reading(engine) as connection:
        return Figures(
            runs=_runs(connection, fleet),
            queues=_queues(connection, fleet),
            hosts=_hosts(connection, fleet, lease),
            tries=_tries(connection, fleet),
            checks=_checks(connection, fleet),
            artifact_bytes=_bytes(connection, fleet),
        )


def _runs(connection: Connection, fleet: str) -> dict[str, int]:
    query = select(Run.state, func.count()).where(Run.fleet == fleet).group_by(Run.state)
    found = {row[0]: row[1] for row in connection.execute(query)}
    return {state.value: found.get(state, 0) for state in RunState}


def _queues(connection: Connection, fleet: str) -> tuple[Queue, ...]:
    name = case(_NAMES, value=StepRun.queue, else_=StepRun.queue)
    queued = StepRun.state == StepState.QUEUED
    ready = queued & (StepRun.waiting_on == "") & (StepRun.not_before <= now())
    query = (
        select(
            name.label("name"),
            _sum(ready).label("ready"),
            _sum(queued & ~ready).label("waiting"),
            _sum(StepRun.state == StepState.RUNNING).label("running"),
            func.max(case((ready, now() - StepRun.queued_at), else_=0.0)).label("oldest"),
        )
        .join(Run, Run.id == StepRun.run_id)
        .where(Run.fleet == fleet, Run.state.in_(RUN_OPEN))
        .where(StepRun.state.in_((StepState.QUEUED, StepState.RUNNING)))
        .group_by(name)
        .order_by(name)
    )
    return tuple(Queue(**row) for row in connection.execute(query).mappings())


def _sum(condition: Any) -> Any:
    return func.sum(case((condition, 1), else_=0))


def _hosts(connection: Connection, fleet: str, lease: float) -> tuple[Host, ...]:
    alive = Worker.left_at.is_(None), Worker.beat_at >= now() - lease
    query = (
        select(
            Worker.host.label("name"),
            func.count().label("workers"),
            func.sum(Worker.slots).label("slots"),
            _sum(Worker.drain_at.is_not(None)).label("draining"),
            func.max(now() - Worker.beat_at).label("silent"),
        )
        .where(Worker.fleet == fleet, *alive)
        .group_by(Worker.host)
        .order_by(Worker.host)
    )
    return tuple(Host(**row) for row in connection.execute(query).mappings())


def _tries(connection: Connection, fleet: str) -> tuple[Tries, ...]:
    query = (
        select(
            Attempt.step.label("step"),
            Attempt.state.label("state"),
            func.count().label("number"),
            func.sum(Attempt.ended_at - Attempt.started_at).label("seconds"),
        )
        .join(Run, Run.id == Attempt.run_id)
        .where(Run.fleet == fleet, Attempt.ended_at.is_not(None))
        .group_by(Attempt.step, Attempt.state)
        .order_by(Attempt.step, Attempt.state)
    )
    return tuple(Tries(**row) for row in connection.execute(query).mappings())


def _checks(connection: Connection, fleet: str) -> dict[bool, int]:
    query = (
        select(CheckResult.passed, func.count())
        .join(Run, Run.id == CheckResult.run_id)
        .where(Run.fleet == fleet)
        .group_by(CheckResult.passed)
    )
    return {bool(passed): number for passed, number in connection.execute(query)}


def _bytes(connection: Connection, fleet: str) -> int:
    query = (
        select(func.coalesce(func.sum(Artifact.bytes), 0))
        .join(Run, Run.id == Artifact.run_id)
        .where(Run.fleet == fleet, Artifact.removed_at.is_(None))
    )
    return int(connection.scalar(query) or 0)
