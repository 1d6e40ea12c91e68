"""Work that one host of a fleet does at a time, for economy only: two at once do no harm."""

from sqlalchemy import Engine, insert, update
from sqlalchemy.exc import IntegrityError

from catalog.clock import now
from catalog.tables import Fact


def take(engine: Engine, name: str, every: float) -> bool:
    """Whether it is this caller's turn: nobody had one in the last `every` seconds."""
    key = f"turn:{name}"
    with engine.begin() as connection:
        mine = update(Fact).where(Fact.key == key, Fact.changed_at < now() - every)
        if connection.execute(mine.values(changed_at=now())).rowcount:
            return True
    try:
        with engine.begin() as connection:
            connection.execute(insert(Fact).values(key=key, value="", changed_at=now()))
    except IntegrityError:  # somebody had a turn
        return False
    return True
