"""A SQLite catalog belongs to one host: its locks and its shared memory end there.

workers.catalog_host asks when a worker starts and when a run is submitted. A host is known by its
name, if somebody gave it one, and else by its boot.
"""

from sqlalchemy import Engine, exists, select

from catalog import facts
from catalog.clock import now
from catalog.engine import reading
from catalog.states import StepState
from catalog.tables import StepRun, Worker

_KEY = "host"
_BETWEEN = "\n"


def identity(name: str, boot: str) -> str:
    """What the catalog keeps of a host. `name` may be empty."""
    return f"{name}{_BETWEEN}{boot}"


def hold(engine: Engine, mine: str, lease: float) -> bool:
    """Whether this host may use the catalog: it is the first, or the one before it is gone.

    It is there as long as a worker of it beats, or a step of it is renewed, within `lease` seconds.
    """
    if engine.dialect.name != "sqlite":
        return True
    found = facts.get_or_add(engine, _KEY, mine)
    while found != mine:
        if not _same(found, mine) and _lives(engine, lease):
            return False
        facts.replace(engine, _KEY, found, mine)
        found = facts.get_or_add(engine, _KEY, mine)
    return True


def holder(engine: Engine) -> str:
    """The host that has the catalog, in a word."""
    name, _, boot = (facts.get(engine, _KEY) or "").partition(_BETWEEN)
    return name or f"boot {boot[:8]}"


def _same(one: str, other: str) -> bool:
    (name, _, boot), (other_name, _, other_boot) = (
        text.partition(_BETWEEN) for text in (one, other)
    )
    return name == other_name if name and other_name else boot == other_boot


def _lives(engine: Engine, lease: float) -> bool:
    beats = exists().where(Worker.left_at.is_(None), Worker.beat_at >= now() - lease)
    renews = exists().where(StepRun.state == StepState.RUNNING, StepRun.lease_until >= now())
    with reading(engine) as connection:
        return bool(connection.scalar(select(beats | renews)))
