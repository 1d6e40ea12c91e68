"""Who could take a step, and where queued steps were sent. workers.routing decides with it.

Messages only hint; what is written here says where each queued step waits, for `fleet why` and for
the look that sends a step elsewhere. A move is a compare-and-set: one of many lookers does it.
"""

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    and_,
    func,
    or_,
    select,
    update,
)

from catalog import file_homes, nearness
from catalog.clock import now
from catalog.engine import reading
from catalog.guarded import each
from catalog.nearness import FAR, Nearness
from catalog.states import RunState, StepState
from catalog.tables import AssetRun, Run, StepRun, Worker
from catalog.values import StepKey

logger = logging.getLogger(__name__)

MANY = 500
"""Most queued steps that one look takes: the next one sees the others."""

NOWHERE = "-"
"""In place of a queue: the step was not sent, as nobody could take it."""

UNABLE = "no living worker "
"""How each reason begins that says that nobody can take a step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taker:
    """A living worker, as far as it matters to who sends work. `busy` are the steps it runs."""

    name: str
    host: str
    slots: int
    queues: tuple[str, ...]
    pythons: tuple[str, ...] = ()
    info: Mapping[str, Any] = field(default_factory=dict)
    drains: bool = False
    contract: int = 0
    busy: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A step that waits for a worker, with what it says of itself and where it was sent last.

    `spec` is the asset's description as it was written; `near` are hosts that did the asset's step
    before this one, or this very step in the run before, best first; `home` is the host that its
    database file belongs to.
    """

    id: int
    key: StepKey
    pipeline: str
    contract: int
    spec: Mapping[str, Any]
    queue: str
    sends: int
    reason: str
    near: tuple[str, ...] = ()
    env: str = ""
    home: str = ""


def takers(engine: Engine, fleet: str, within: float) -> list[Taker]:
    """The workers of a fleet that were heard of in the last `within` seconds."""
    runs = (  # counted once for all, not once for each worker
        select(StepRun.worker, func.count().label("busy"))
        .where(StepRun.state == StepState.RUNNING)
        .group_by(StepRun.worker)
        .subquery()
    )
    query = (
        select(*Worker.__table__.columns, func.coalesce(runs.c.busy, 0).label("busy"))
        .outerjoin(runs, runs.c.worker == Worker.name)
        .where(Worker.fleet == fleet, Worker.left_at.is_(None), Worker.beat_at >= now() - within)
        .order_by(Worker.name)
    )
    with reading(engine) as connection:
        return [_taker(row) for row in connection.execute(query)]


def _taker(row: Row[*tuple[Any, ...]]) -> Taker:
    return Taker(
        name=row.name,
        host=row.host,
        slots=row.slots,
        queues=tuple(json.loads(row.queues_json)),
        pythons=tuple(json.loads(row.pythons_json)),
        info=json.loads(row.info_json),
        drains=row.drain_at is not None,
        contract=row.contract,
        busy=row.busy,
    )


def steps(engine: Engine, keys: Collection[StepKey], *, near: bool = False) -> list[Queued]:
    """These steps, as far as the catalog knows them; with `near`, the hosts that are close."""
    found: list[Queued] = []
    with reading(engine) as connection:
        for run_id in dict.fromkeys(key[0] for key in keys):
            wanted = {key[1:] for key in keys if key[0] == run_id}
            rows = _of_run(connection, run_id, sorted({asset for asset, _ in wanted}))
            rows = [row for row in rows if (row.asset, row.step) in wanted]
            close = nearness.of(connection, rows) if near and rows else {}
            homes = file_homes.hosts(connection, rows)
            found += [_queued(row, homes, close.get((row.asset, row.step), FAR)) for row in rows]
    order = {key: place for place, key in enumerate(keys)}
    return sorted(found, key=lambda step: order[step.key])


_COLUMNS = (
    StepRun.id,
    StepRun.run_id,
    StepRun.asset,
    StepRun.step,
    StepRun.position,
    StepRun.queue,
    StepRun.sends,
    StepRun.reason,
    AssetRun.spec_json,
    Run.pipeline,
    Run.contract,
    Run.created_at,
    Run.config,
    Run.environment,
)
_ASSET = and_(AssetRun.run_id == StepRun.run_id, AssetRun.asset == StepRun.asset)
_ALL = select(*_COLUMNS).join(AssetRun, _ASSET).join(Run, Run.id == StepRun.run_id)


def _of_run(
    connection: Connection, run_id: str, assets: Sequence[str]
) -> list[Row[*tuple[Any, ...]]]:
    found: list[Row[*tuple[Any, ...]]] = []
    for start in range(0, len(assets), MANY):
        some = StepRun.asset.in_(assets[start : start + MANY])
        found += connection.execute(_ALL.where(StepRun.run_id == run_id, some)).all()
    return found


def _queued(
    row: Row[*tuple[Any, ...]], homes: Mapping[StepKey, str], near: Nearness = FAR
) -> Queued:
    key = (row.run_id, row.asset, row.step)
    return Queued(
        id=row.id,
        key=key,
        pipeline=row.pipeline,
        contract=row.contract,
        spec=json.loads(row.spec_json),
        queue=row.queue,
        sends=row.sends,
        reason=row.reason,
        near=near.hosts,
        env=near.env,
        home=homes.get(key, ""),
    )


def misplaced(
    engine: Engine, fleet: str, served: Collection[str], *, patience: float
) -> list[Queued]:
    """Queued steps to look at again: those that nobody could take, those in a queue that is not
    `served` by anybody, and those that one host did not take in `patience` seconds.

    Any `MANY` of them, as many may have to stay where they are: the others' turn comes too.
    """
    goes_on = and_(Run.fleet == fleet, Run.state == RunState.RUNNING, Run.stop_state == "")
    lonely = and_(StepRun.queue.like("@%"), StepRun.sent_at < now() - patience)
    unserved = StepRun.queue.not_in(list(served))
    query = (
        _ALL.where(StepRun.state == StepState.QUEUED, StepRun.waiting_on == "", goes_on)
        .where(StepRun.not_before <= now())
        .where(or_(lonely, StepRun.reason.like(f"{UNABLE}%"), unserved))
        .order_by(func.random())
        .limit(MANY)
    )
    with reading(engine) as connection:
        rows = sorted(connection.execute(query), key=lambda row: row.id)
        homes = file_homes.hosts(connection, rows)
    return [step for _, step in each(rows, lambda row: _queued(row, homes))]


def move(engine: Engine, step: Queued, queue: str, reason: str, *, sent: bool) -> bool:
    """Note where a queued step waits now and why it is not taken; False if it changed meanwhile.

    `sent` says that the caller will send it there.
    """
    values: dict[str, Any] = {"queue": queue, "reason": reason, "changed_at": now()}
    if sent:
        values |= {"sent_at": now(), "sends": StepRun.sends + 1}
    with engine.begin() as connection:
        changed = connection.execute(
            update(StepRun)
            .where(StepRun.id == step.id, StepRun.state == StepState.QUEUED)
            .where(StepRun.queue == step.queue, StepRun.sends == step.sends)
            .where(StepRun.reason == step.reason, StepRun.waiting_on == "")
            .values(**values)
        )
        return changed.rowcount == 1


def note(engine: Engine, run_id: str, queue: str, assets: Sequence[str], reason: str) -> None:
    """Note where the open steps of these assets are sent, and why those that wait are not taken."""
    waits = StepRun.state.in_((StepState.PENDING, StepState.QUEUED))
    with engine.begin() as connection:
        # first the run, as who stops it does: each would wait for rows that the other has
        connection.execute(select(Run.id).where(Run.id == run_id).with_for_update(read=True))
        for start in range(0, len(assets), MANY):
            here = (StepRun.run_id == run_id, StepRun.asset.in_(assets[start : start + MANY]))
            connection.execute(
                update(StepRun).where(*here, waits, StepRun.queue != queue).values(queue=queue)
            )
            connection.execute(
                update(StepRun)
                .where(*here, StepRun.state == StepState.QUEUED, _says_otherwise(reason))
                .values(reason=reason, changed_at=now())
            )


def _says_otherwise(reason: str) -> ColumnElement[bool]:
    """Words about takers are replaced; no word takes the place of another reason."""
    return StepRun.reason != reason if reason else StepRun.reason.like(f"{UNABLE}%")
