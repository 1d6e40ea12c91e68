"""Stored values that runs produced. catalog.endings notes them; the row outlives the file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update

from catalog.clock import now
from catalog.engine import reading
from catalog.tables import Artifact, Run
from catalog.values import to_json

_DATA_FACTS = ("path", "schema", "rows", "bytes", "digest")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactView:
    """One stored value; `path` is relative to storage, `schema` pairs of name and Arrow type."""

    id: int
    run_id: str
    asset: str
    label: str
    kind: str
    path: str
    schema: Sequence[Sequence[str]]
    rows: int | None
    bytes: int | None
    digest: str
    created_at: float
    removed_at: float | None


def add(
    connection: Connection,
    *,
    run_id: str,
    asset: str,
    label: str,
    kind: str,
    path: str,
    schema: Sequence[Sequence[str]] = (),
    rows: int | None = None,
    bytes: int | None = None,
    digest: str = "",
) -> int:
    """Note a stored value, in place of an earlier one of the same label; its id."""
    same = Artifact.run_id == run_id, Artifact.asset == asset, Artifact.label == label
    values: dict[str, Any] = {"run_id": run_id, "asset": asset, "label": label, "kind": kind}
    values |= {"path": path, "schema_json": to_json([list(pair) for pair in schema])}
    values |= {"rows": rows, "bytes": bytes, "digest": digest, "created_at": now()}
    connection.execute(delete(Artifact).where(*same))
    return connection.execute(insert(Artifact).values(**values).returning(Artifact.id)).scalar_one()


def add_data(connection: Connection, run_id: str, asset: str, data: Mapping[str, Any]) -> None:
    """Note what a materialization stored; `data` is its result's."""
    facts = {name: data[name] for name in _DATA_FACTS if name in data}
    add(connection, run_id=run_id, asset=asset, label="data", kind="data", **facts)


def of_run(engine: Engine, run_id: str) -> list[ArtifactView]:
    """All that a run stored, oldest first, also what is removed by now."""
    query = select(Artifact.__table__).where(Artifact.run_id == run_id).order_by(Artifact.id)
    with reading(engine) as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    return [ArtifactView(schema=json.loads(row.pop("schema_json") or "[]"), **row) for row in rows]


def removed(connection: Connection, *, run_id: str, asset: str, label: str) -> None:
    """Note that the file is gone, for all runs that had it; the rows stay."""
    same = Artifact.run_id == run_id, Artifact.asset == asset, Artifact.label == label
    path = select(Artifact.path).where(*same).scalar_subquery()
    connection.execute(
        update(Artifact)
        .where(Artifact.path == path, Artifact.removed_at.is_(None))
        .values(removed_at=now())
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """What may go from storage: all files of these runs but `kept`, relative to storage."""

    runs: frozenset[str]
    kept: frozenset[str]


def abandoned(engine: Engine, grace: float, within: float) -> Abandoned:
    """Of the runs that ended more than `grace` and less than `within` seconds ago.

    A file that no artifact names came from an attempt that did not count: nothing will ever name
    it. What an artifact names is kept, for a run that continues this one.
    """
    ended = select(Run.id).where(Run.ended_at < now() - grace, Run.ended_at > now() - within)
    named = select(Artifact.path).where(Artifact.removed_at.is_(None), Artifact.kind == "data")
    with reading(engine) as connection:
        return Abandoned(
            runs=frozenset(connection.scalars(ended)), kept=frozenset(connection.scalars(named))
        )
