"""How many asset runs are in which state."""

from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from catalog.tables import AssetRun
from catalog.values import to_json


def count_states(connection: Connection, run_ids: Iterable[str]) -> dict[str, dict[str, int]]:
    """For each run its asset runs by state."""
    wanted = list(run_ids)
    counts: dict[str, dict[str, int]] = {run_id: {} for run_id in wanted}
    if wanted:
        query = (
            select(AssetRun.run_id, AssetRun.state, func.count())
            .where(AssetRun.run_id.in_(wanted))
            .group_by(AssetRun.run_id, AssetRun.state)
        )
        for run_id, state, number in connection.execute(query):
            counts[run_id][state] = number
    return counts


def count_json(connection: Connection, run_id: str) -> str:
    """The same for one run, as the catalog keeps it."""
    return to_json(count_states(connection, [run_id])[run_id])
