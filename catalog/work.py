"""What each worker does now. For `fleet workers` and `fleet why`; it changes nothing."""

import json
from dataclasses import dataclass

from sqlalchemy import Engine, and_, func, select

from catalog.clock import now
from catalog.engine import reading
from catalog.states import StepState
from catalog.tables import AssetRun, StepRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One step that runs, for `seconds` now."""

    worker: str
    run_id: str
    asset: str
    step: str
    instance: str
    pid: int
    attempt: int
    seconds: float


def going_on(engine: Engine, worker: str = "") -> dict[str, list[Work]]:
    """The running steps by the name of their worker, those that run longest first."""
    same = and_(AssetRun.run_id == StepRun.run_id, AssetRun.asset == StepRun.asset)
    query = (
        select(
            StepRun.worker,
            StepRun.run_id,
            StepRun.asset,
            StepRun.step,
            AssetRun.spec_json,
            func.coalesce(StepRun.pid, 0).label("pid"),
            StepRun.number.label("attempt"),
            (now() - func.coalesce(StepRun.started_at, now())).label("seconds"),
        )
        .join(AssetRun, same)
        .where(StepRun.state == StepState.RUNNING)
        .order_by(StepRun.started_at, StepRun.id)
    )
    if worker:
        query = query.where(StepRun.worker == worker)
    found: dict[str, list[Work]] = {}
    with reading(engine) as connection:
        for row in connection.execute(query).mappings():
            facts = dict(row)
            instance = json.loads(facts.pop("spec_json")).get("instance", "")
            work = Work(**facts, instance=instance)
            found.setdefault(work.worker, []).append(work)
    return found
