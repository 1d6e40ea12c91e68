"""Which hosts have something of a step: its data, or its environment. For catalog.placing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from catalog.states import RunState, StepState
from catalog.tables import Attempt, Run
from catalog.values import from_json

_MANY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearness:
    """Of one step: hosts, best first, and the key of the environment that it had last."""

    hosts: tuple[str, ...] = ()
    env: str = ""


FAR = Nearness()


def of(
    connection: Connection, rows: Sequence[Row[*tuple[Any, ...]]]
) -> dict[tuple[str, str], Nearness]:
    """For each asset and step the host of the asset's step before, which has its data, then that of
    the same step in the pipeline's run before, which has its environment."""
    run, before = rows[0].run_id, _run_before(connection, rows[0])
    assets = sorted({row.asset for row in rows})[:_MANY]
    query = (
        select(Attempt.run_id, Attempt.asset, Attempt.step, Attempt.host, Attempt.result_json)
        .where(Attempt.run_id.in_([run, before]), Attempt.asset.in_(assets))
        .where(Attempt.state == StepState.SUCCEEDED, Attempt.host != "")
        .order_by(Attempt.id)
    )
    ran, last = {}, {}
    for attempt in connection.execute(query):
        if attempt.run_id == run:
            last[attempt.asset] = attempt.host
        else:
            ran[attempt.asset, attempt.step] = (attempt.host, attempt.result_json)
    return {key: _nearness(last.get(key[0], ""), *ran.get(key, ("", ""))) for key in _keys(rows)}


def _keys(rows: Sequence[Row[*tuple[Any, ...]]]) -> list[tuple[str, str]]:
    return [(row.asset, row.step) for row in rows]


def _nearness(data: str, host: str, result: str) -> Nearness:
    hosts = tuple(name for name in dict.fromkeys([data, host]) if name)
    return Nearness(hosts=hosts, env=str(from_json(result).get("env") or ""))


def _run_before(connection: Connection, row: Row[*tuple[Any, ...]]) -> str:
    found = connection.scalar(
        select(Run.id)
        .where(Run.pipeline == row.pipeline, Run.created_at < row.created_at)
        .where(Run.state == RunState.SUCCEEDED)
        .order_by(Run.created_at.desc())
        .limit(1)
    )
    return found or ""
