"""Which bundles are stored, and which may go. workers.bundles stores, fetches and removes them.

A bundle that was asked for within the grace, or that an open run has, stays. One that was removed
is never brought back under the same path, so nobody removes what somebody else has just stored.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from catalog.clock import now
from catalog.engine import reading
from catalog.states import RUN_OPEN
from catalog.tables import Bundle, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A stored archive: its `path` in storage, its size and own digest, and what is in it."""

    digest: str
    path: str
    bytes: int
    archive: str
    files: int
    content_bytes: int


def get(engine: Engine, digest: str) -> Stored | None:
    """The archive of this content; None if there is none, or none any more."""
    query = select(*_columns()).where(Bundle.digest == digest, Bundle.removed_at.is_(None))
    with reading(engine) as connection:
        row = connection.execute(query).first()
    return Stored(**row._mapping) if row else None


def ask(engine: Engine, digest: str) -> Stored | None:
    """As `get`, and its grace begins anew: it stays until the run that needs it is recorded."""
    with engine.begin() as connection:
        row = connection.execute(
            update(Bundle)
            .where(Bundle.digest == digest, Bundle.removed_at.is_(None))
            .values(created_at=now())
            .returning(*_columns())
        ).first()
    return Stored(**row._mapping) if row else None


def add(engine: Engine, stored: Stored, instead_of: str = "") -> bool:
    """Note an archive that is in storage; False if somebody else was faster with the same content.

    `instead_of` is the path of a noted archive that was found missing.
    """
    values = {name: getattr(stored, name) for name in Stored.__slots__}
    gone = (Bundle.removed_at.is_not(None)) | (Bundle.path == instead_of)
    try:
        with engine.begin() as connection:
            connection.execute(delete(Bundle).where(Bundle.digest == stored.digest, gone))
            connection.execute(insert(Bundle).values(**values, created_at=now()))
    except IntegrityError:
        return False
    return True


def remove_unused(engine: Engine, grace: float) -> list[str]:
    """Let go of what nobody asked for within `grace` seconds and no open run has; the paths."""
    needed = exists().where(Run.bundle == Bundle.digest, Run.state.in_(RUN_OPEN))
    with engine.begin() as connection:
        removed = connection.scalars(
            update(Bundle)
            .where(Bundle.removed_at.is_(None), Bundle.created_at < now() - grace, ~needed)
            .values(removed_at=now())
            .returning(Bundle.path)
        )
        return list(removed)


def paths(engine: Engine) -> set[str]:
    """Where the archives are that are not removed."""
    with reading(engine) as connection:
        return set(connection.scalars(select(Bundle.path).where(Bundle.removed_at.is_(None))))


def open_runs(engine: Engine, run_ids: set[str]) -> set[str]:
    """Those of the runs that are not over."""
    query = select(Run.id).where(Run.id.in_(run_ids), Run.state.in_(RUN_OPEN))
    with reading(engine) as connection:
        return set(connection.scalars(query))


def _columns() -> list[Any]:
    return [getattr(Bundle, name) for name in Stored.__slots__]
