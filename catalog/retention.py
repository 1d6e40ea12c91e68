"""Which runs have logs that are too old, and since when others have none.

For a worker's heart, `fleet clean` and `fleet logs`. A run's logs get a row when they go, which
stays: somebody may ask where they are.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, exists, func, insert, select

from catalog.clock import now
from catalog.engine import reading
from catalog.tables import Artifact, Run

_LABEL = "logs"  # of a run's logs as a whole
_MANY = 500


def let_go(engine: Engine, fleet: str, age: float) -> list[str]:
    """Give up the logs of a fleet's runs that ended more than `age` seconds ago; those runs.

    What is given up is to be removed by the caller; `fleet clean` finds what was not.
    """
    gone = exists().where(Artifact.run_id == Run.id, Artifact.label == _LABEL)
    query = (
        select(Run.id)
        .where(Run.fleet == fleet, Run.ended_at < now() - age, ~gone)
        .order_by(Run.created_at)
        .limit(_MANY)
    )
    with reading(engine) as connection:
        old = list(connection.scalars(query))
    if old:
        note_removed(engine, old)
    return old


def note_removed(engine: Engine, run_ids: Sequence[str]) -> None:
    """Note that the logs of these runs are gone; what the catalog does not know is left out."""
    with engine.begin() as connection:
        for run_id in _with_logs(connection, run_ids):
            what = {"run_id": run_id, "asset": "", "label": _LABEL, "kind": "log"}
            values = what | {"path": f"logs/{run_id}", "created_at": now(), "removed_at": now()}
            connection.execute(insert(Artifact).values(**values))


def _with_logs(connection: Connection, run_ids: Sequence[str]) -> list[str]:
    """Those of the runs whose logs are not known to be gone; held, so that two note one once."""
    found: list[str] = []
    for start in range(0, len(run_ids), _MANY):
        some = list(run_ids[start : start + _MANY])
        held = select(Run.id).where(Run.id.in_(some)).order_by(Run.id).with_for_update()
        known = connection.scalars(held).all()
        gone = select(Artifact.run_id).where(Artifact.run_id.in_(some), Artifact.label == _LABEL)
        found += sorted(set(known) - set(connection.scalars(gone)))
    return found


def removed(engine: Engine, run_id: str) -> float | None:
    """Seconds since the logs of a run were removed; None if they were not."""
    query = select(func.max(now() - Artifact.removed_at)).where(
        Artifact.run_id == run_id, Artifact.label == _LABEL
    )
    with reading(engine) as connection:
        found: float | None = connection.scalar(query)
    return found
