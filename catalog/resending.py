"""Queued steps that are to be sent: in time, woken, or once more. catalog.recover offers these.

A message that vanished cannot be seen. But where somebody who could take a step has nothing to do
and does not take it, its message went with a worker or a broker: it is sent again soon. Else a step
that nobody takes is sent again later and later, and more than once only while somebody is idle.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    update,
)

from catalog import locks
from catalog.clock import now
from catalog.engine import reading
from catalog.states import RunState, StepState
from catalog.tables import Run, StepRun, Worker
from catalog.values import StepKey

_UNSENT = 10.0
"""Seconds after which a step that never reached the broker is sent again."""

_PATIENCE = {1: 30.0, 2: 120.0, 3: 480.0}
"""Seconds after which a step that was sent so many times, and taken by nobody, is sent again."""

_LONGEST = 1920.0

_VANISHED = 5.0
"""Seconds after which what was sent once is sent again, if somebody idle did not take it."""

_COPIES = 2
"""So often a step is sent also while all who could take it are busy."""

_GENERAL, _ANY = "fleet", "*"  # queues of those without an instance, and of all


def stale(engine: Engine, fleet: str, *, lease: float = 20.0) -> list[StepKey]:
    """Queued steps to send now: their time has come, their lock is free, or nobody took them.

    Each is named to one caller only; the next time comes later and later. A worker that was not
    heard of for `lease` seconds takes nothing.
    """
    with engine.begin() as connection:
        due = {
            *_with_free_locks(connection, fleet),
            *_overdue_steps(connection, fleet, lease),
            *_vanished(connection, fleet, lease),
        }
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
        StepRun.not_before > 0,  # so that the index gives only those that wait for a time
        StepRun.not_before > func.coalesce(StepRun.sent_at, 0.0),
        *_open_run(fleet),
    )
    with reading(engine) as connection:
        found: float | None = connection.scalar(query)
    return found


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


def _overdue_steps(connection: Connection, fleet: str, lease: float) -> list[int]:
    query = (
        select(StepRun.id, StepRun.sends, StepRun.queue)
        .where(StepRun.state == StepState.QUEUED, StepRun.waiting_on == "", *_open_run(fleet))
        .where(StepRun.not_before <= now(), _was_not_taken())
        .order_by(StepRun.id)
        .with_for_update(skip_locked=True)
    )
    return _without_more_copies(connection, connection.execute(query).all(), fleet, lease)


def _vanished(connection: Connection, fleet: str, lease: float) -> list[int]:
    """Steps that workers with free slots should have taken: no more of them than such slots."""
    waits = and_(StepRun.state == StepState.QUEUED, StepRun.waiting_on == "", StepRun.sends == 1)
    late = and_(StepRun.not_before <= now(), StepRun.sent_at < now() - _VANISHED)
    if not connection.scalar(select(exists().where(waits, late))):
        return []
    free = _free_slots(connection, fleet, lease)
    if not free:
        return []
    query = (
        select(StepRun.id, StepRun.queue)
        .where(waits, late, *_open_run(fleet))
        .order_by(StepRun.sent_at, StepRun.id)
        .limit(sum(free.values()))
        .with_for_update(skip_locked=True)
    )
    rows = connection.execute(query).all()
    return [row.id for row in rows if _ANY in free or _instance(row.queue) in free]


def _without_more_copies(
    connection: Connection, rows: Sequence[Row[*tuple[Any, ...]]], fleet: str, lease: float
) -> list[int]:
    """Those that were sent once at most, or that somebody with nothing to do could take."""
    if all(row.sends < _COPIES for row in rows):
        return [row.id for row in rows]
    idle = _free_slots(connection, fleet, lease)
    return [
        row.id
        for row in rows
        if row.sends < _COPIES or _ANY in idle or _instance(row.queue) in idle
    ]


def _free_slots(connection: Connection, fleet: str, lease: float) -> dict[str, int]:
    """By queue the free slots of the workers that live and take from it."""
    running = (
        select(func.count())
        .where(StepRun.state == StepState.RUNNING, StepRun.worker == Worker.name)
        .scalar_subquery()
    )
    query = select(Worker.queues_json, (Worker.slots - running).label("free")).where(
        Worker.fleet == fleet,
        Worker.left_at.is_(None),
        Worker.drain_at.is_(None),
        Worker.beat_at >= now() - lease,
        Worker.slots > running,
    )
    found: Counter[str] = Counter()
    for row in connection.execute(query):
        found.update(dict.fromkeys(json.loads(row.queues_json), row.free))
    return dict(found)


def _instance(queue: str) -> str:
    """Whose queue it is: those of a host, `@HOST:INSTANCE`, name the instance too."""
    host, _, named = queue.partition(":")
    return named or (_GENERAL if host.startswith("@") else queue or _GENERAL)


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
