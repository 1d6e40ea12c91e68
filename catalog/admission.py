"""Whether a worker may take a step now. catalog.claims asks once it has seized the step.

A worker that drains takes nothing; a run of another contract is for others; a step that lost its
worker again and again runs with nothing beside it, so that a death tells who caused it. What may
not run here goes back to the queue, in the same transaction, to be sent again soon.
"""

from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, select, update

from catalog.clock import now
from catalog.states import StepState
from catalog.tables import StepRun, Worker
from catalog.values import Deferred, Refused

SUSPECT = 2
"""Losses after which a step runs alone on its worker."""

_SOON = 2.0
"""Seconds until a step is sent again that this worker cannot take, though another may."""

_KEPT = 10.0
"""Seconds for which a worker takes nothing new, so that a suspect finds it empty when it asks
again."""

_PUT_BACK = (
    update(StepRun)
    .where(StepRun.id == bindparam("id_"))
    .values(
        state=StepState.QUEUED,
        lease_until=None,
        reason=bindparam("reason_"),
        not_before=now() + _SOON,
        sends=0,
        changed_at=now(),
    )
    .returning(StepRun.not_before)
)

_LOOK = select(Worker.drain_at, Worker.alone_step, Worker.alone_until, now().label("now")).where(
    Worker.name == bindparam("worker_")
)
_BESIDE = _LOOK.with_for_update(read=True, key_share=True)
_ALONE = _LOOK.with_for_update()
"""Waits for those who claim beside it this moment, whose share of the row it needs for itself."""

_KEEP = (
    update(Worker)
    .where(Worker.name == bindparam("worker_"))
    .values(alone_step=bindparam("step_"), alone_until=now() + bindparam("seconds_"))
)

_OTHERS = select(
    exists().where(
        StepRun.state == StepState.RUNNING,
        StepRun.worker == bindparam("worker_"),
        StepRun.id != bindparam("id_"),
    )
)

_SUSPECT = select(StepRun.asset, StepRun.losses, StepRun.state, StepRun.worker).where(
    StepRun.id == bindparam("id_")
)


def objection(
    connection: Connection, seized: Row[*tuple[Any, ...]], worker: str, contract: int
) -> Refused | Deferred | None:
    """Why this worker may not run the step that it seized; the step is back in the queue then."""
    if seized.contract != contract:
        _put_back(connection, seized.id, words := _contract_words(seized.contract, contract))
        return Refused(reason=words)
    suspect = seized.losses >= SUSPECT
    found = connection.execute(_ALONE if suspect else _BESIDE, {"worker_": worker}).first()
    if found is None:  # it has not said yet who it is
        return None
    if found.drain_at is not None:
        _put_back(connection, seized.id, words := f"worker {worker} drains: it takes nothing new")
        return Refused(reason=words)
    words = _occupied(connection, found, seized.id, worker)
    if suspect and not words:
        words = _not_alone(connection, seized, worker)
    if not words:
        return None
    return Deferred(reason=words, not_before=_put_back(connection, seized.id, words))


def _put_back(connection: Connection, step_id: int, reason: str) -> float:
    values = {"id_": step_id, "reason_": reason}
    return float(connection.execute(_PUT_BACK, values).scalar_one())


def _contract_words(theirs: int, ours: int) -> str:
    return (
        f"its run was submitted by a fleet of contract {theirs}, this worker speaks {ours}:"
        " it waits for a worker of that version"
    )


def _occupied(
    connection: Connection, found: Row[*tuple[Any, ...]], step_id: int, worker: str
) -> str:
    """Words for a worker that is another step's own."""
    if found.alone_step in (None, step_id):
        return ""
    other = connection.execute(_SUSPECT, {"id_": found.alone_step}).first()
    if other is None:
        return ""
    runs = other.state == StepState.RUNNING and other.worker == worker
    waits = other.state == StepState.QUEUED and found.alone_until > found.now
    if not (runs or waits):
        return ""
    return f"worker {worker} is kept for {other.asset} alone, which was lost {other.losses} times"


def _not_alone(connection: Connection, seized: Row[*tuple[Any, ...]], worker: str) -> str:
    """Make the worker the step's own; words if others still run there."""
    busy = connection.scalar(_OTHERS, {"worker_": worker, "id_": seized.id})
    values = {"worker_": worker, "step_": seized.id, "seconds_": _KEPT if busy else 0.0}
    connection.execute(_KEEP, values)
    if not busy:
        return ""
    return f"was lost {seized.losses} times: it waits until worker {worker} runs nothing else"
