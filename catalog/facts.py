"""What holds for the whole catalog. Written once by whoever needs it first, then read by all."""

import uuid
from functools import lru_cache

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from catalog.clock import now
from catalog.engine import reading
from catalog.tables import Fact


def get(engine: Engine, key: str) -> str | None:
    """The fact, or None if nobody wrote it."""
    with reading(engine) as connection:
        return _get(connection, key)


def get_or_add(engine: Engine, key: str, value: str) -> str:
    """The fact as the first who wrote it has it: `value`, if that is this call."""
    found = get(engine, key)
    if found is not None:
        return found
    try:
        with engine.begin() as connection:
            connection.execute(insert(Fact).values(key=key, value=value, changed_at=now()))
    except IntegrityError:  # somebody else was first
        return get_or_add(engine, key, value)
    return value


def replace(engine: Engine, key: str, old: str, new: str) -> bool:
    """Compare-and-set: whether the fact was `old` and is `new` now."""
    with engine.begin() as connection:
        changed = connection.execute(
            update(Fact)
            .where(Fact.key == key, Fact.value == old)
            .values(value=new, changed_at=now())
        )
        return changed.rowcount == 1


@lru_cache(maxsize=4)
def catalog_id(engine: Engine) -> str:
    """The identity of this catalog: tokens of one catalog say nothing about those of another."""
    return get_or_add(engine, "catalog", uuid.uuid4().hex)


def _get(connection: Connection, key: str) -> str | None:
    found: str | None = connection.scalar(select(Fact.value).where(Fact.key == key))
    return found
