"""What requirements were resolved to: the first worker that stores one decides for all."""

from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from catalog.clock import now
from catalog.engine import reading
from catalog.tables import Resolution

_DAY = 86_400.0


def get(engine: Engine, key: str, max_age: float = _DAY) -> str | None:
    """The text stored under a key in the last `max_age` seconds."""
    query = select(Resolution.text).where(
        Resolution.key == key, Resolution.created_at >= now() - max_age
    )
    with reading(engine) as connection:
        return connection.scalar(query)


def put_if_absent(engine: Engine, key: str, text: str, max_age: float = _DAY) -> str:
    """Store a text unless one is there, younger than `max_age` seconds; the one that is there."""
    insert: Any = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    statement = insert(Resolution).values(key=key, text=text, created_at=now())
    statement = statement.on_conflict_do_update(
        index_elements=[Resolution.key],
        set_={"text": statement.excluded.text, "created_at": now()},
        where=Resolution.created_at < now() - max_age,
    )
    with engine.begin() as connection:
        connection.execute(statement)
        stored = select(Resolution.text).where(Resolution.key == key)
        return str(connection.execute(stored).scalar_one())
