"""Work that one worker of a fleet does for all, for economy only: two at once do no harm.

`workers.reconcile` looks for lost work by turns, `workers.tidying` removes scraps.
"""

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from catalog.clock import now
from catalog.engine import reading
from catalog.tables import Fact


def take(engine: Engine, name: str, every: float) -> bool:
    """Whether it is this caller's turn: nobody had one in the last `every` seconds."""
    key = f"turn:{name}"
    had = select(Fact.key).where(Fact.key == key, Fact.changed_at >= now() - every)
    with reading(engine) as connection:
        if connection.scalar(had):
            return False
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


def give_back(engine: Engine, name: str) -> None:
    """Let the next one who asks have a turn at once: ours came to nothing."""
    with engine.begin() as connection:
        connection.execute(update(Fact).where(Fact.key == f"turn:{name}").values(changed_at=0.0))
