"""Which workers there are, and when each was last heard of. Each worker writes its own row."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, Row, func, insert, select, update

from catalog.clock import now
from catalog.engine import reading
from catalog.tables import Worker
from catalog.values import to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """What a worker says of itself. Its name is unique over all hosts."""

    name: str
    fleet: str
    host: str
    pid: int
    version: str = ""
    contract: int = 0  # of the messages that it understands
    slots: int = 1
    queues: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()
    info: Mapping[str, Any] = field(default_factory=dict)  # start time, boot id, envs, ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerView:
    """A worker as the catalog last heard of it; `silent` are the seconds since then.

    `drain_at` is when it was asked to take nothing new, if it was.
    """

    info: WorkerInfo
    started_at: float
    beat_at: float
    left_at: float | None
    silent: float
    drain_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a worker hears when it says that it lives."""

    known: bool  # False: it must register again
    drains: bool = False


def register(engine: Engine, info: WorkerInfo, *, fresh: bool = False) -> None:
    """Note what a worker is, in place of an earlier one of the same name.

    A `fresh` one has just started: that the earlier one was drained is nothing to it.
    """
    values: dict[str, Any] = {
        "fleet": info.fleet,
        "host": info.host,
        "pid": info.pid,
        "version": info.version,
        "contract": info.contract,
        "slots": info.slots,
        "queues_json": to_json(list(info.queues)),
        "pythons_json": to_json(list(info.pythons)),
        "info_json": to_json(dict(info.info)),
        "beat_at": now(),
        "left_at": None,
    }
    if fresh:
        values |= {"started_at": now(), "drain_at": None}
    with engine.begin() as connection:
        known = connection.execute(update(Worker).where(Worker.name == info.name).values(**values))
        if known.rowcount == 0:
            values = {"started_at": now()} | values
            connection.execute(insert(Worker).values(name=info.name, **values))


def beat(engine: Engine, name: str, info: Mapping[str, Any] | None = None) -> Heard:
    """Note that a worker lives; what it must know."""
    values: dict[str, Any] = {"beat_at": now()}
    if info is not None:
        values["info_json"] = to_json(dict(info))
    with engine.begin() as connection:
        found = connection.execute(
            update(Worker)
            .where(Worker.name == name, Worker.left_at.is_(None))
            .values(**values)
            .returning(Worker.drain_at)
        ).first()
    return Heard(known=found is not None, drains=found is not None and found.drain_at is not None)


def drain(engine: Engine, name: str, *, undo: bool = False) -> bool:
    """Ask a worker to take nothing new, or to take work again; False if there is none such."""
    asked = None if undo else func.coalesce(Worker.drain_at, now())
    with engine.begin() as connection:
        known = connection.execute(
            update(Worker)
            .where(Worker.name == name, Worker.left_at.is_(None))
            .values(drain_at=asked)
        )
        return known.rowcount == 1


def leave(engine: Engine, name: str) -> None:
    """Note that a worker stopped as it should."""
    with engine.begin() as connection:
        connection.execute(update(Worker).where(Worker.name == name).values(left_at=now()))


def living(engine: Engine, fleet: str, within: float = 20.0) -> list[WorkerView]:
    """The workers of a fleet that were heard of in the last `within` seconds and have not left."""
    query = _query().where(
        Worker.fleet == fleet, Worker.left_at.is_(None), Worker.beat_at >= now() - within
    )
    with reading(engine) as connection:
        return [_view(row) for row in connection.execute(query)]


def elsewhere(engine: Engine, name: str, host: str, within: float) -> str:
    """Another host on which a worker of this name lives; empty if there is none."""
    query = select(Worker.host).where(
        Worker.name == name,
        Worker.host != host,
        Worker.left_at.is_(None),
        Worker.beat_at >= now() - within,
    )
    with reading(engine) as connection:
        return str(connection.scalar(query) or "")


def all_workers(engine: Engine) -> list[WorkerView]:
    """All workers that the catalog ever heard of, by name."""
    with reading(engine) as connection:
        return [_view(row) for row in connection.execute(_query())]


def _query() -> Any:
    table = Worker.__table__
    return select(*table.columns, (now() - Worker.beat_at).label("silent")).order_by(Worker.name)


def _view(row: Row[*tuple[Any, ...]]) -> WorkerView:
    info = WorkerInfo(
        name=row.name,
        fleet=row.fleet,
        host=row.host,
        pid=row.pid,
        version=row.version,
        contract=row.contract,
        slots=row.slots,
        queues=tuple(json.loads(row.queues_json)),
        pythons=tuple(json.loads(row.pythons_json)),
        info=json.loads(row.info_json),
    )
    return WorkerView(
        info=info,
        started_at=row.started_at,
        beat_at=row.beat_at,
        left_at=row.left_at,
        silent=row.silent,
        drain_at=row.drain_at,
    )
