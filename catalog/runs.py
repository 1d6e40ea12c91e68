"""Runs: recorded by the dispatcher, read by everybody, cancelled by people."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select

from assets_parser.spec import AssetSpec, Plan, RunOptions, dump, load_options
from catalog import artifacts, backoff, remains, stopping
from catalog.clock import now
from catalog.counts import count_states
from catalog.details import asset_runs, attempts, check_results, step_views
from catalog.engine import reading
from catalog.states import RUN_OPEN, AssetState, RunState, StepState
from catalog.tables import AssetRun, Edge, Run, StepRun
from catalog.values import ContinuedAlready, UnknownRun, from_json
from catalog.views import AssetView, AttemptView, CheckView, RunView, StepView

__all__ = [
    "AssetView",
    "AttemptView",
    "CheckView",
    "ContinuedAlready",
    "RunView",
    "StepView",
    "asset_runs",
    "attempts",
    "cancel",
    "check_results",
    "get",
    "options",
    "recent",
    "record",
    "step_views",
]


def record(
    engine: Engine,
    plan: Plan,
    *,
    run_id: str,
    fleet: str,
    project: str,
    config: str,
    submitter: str,
    bundle: str = "",
    contract: int = 0,
) -> None:
    """Write a run and all its parts, in one transaction; IntegrityError if the id is taken.

    ContinuedAlready if another run was faster to continue the same one. `contract` is that of the
    submitter's messages: only workers that speak it take the run's steps.
    """
    with engine.begin() as connection:
        _continue_once(connection, plan.options.continues)
        at = float(connection.scalar(select(now())) or 0.0)
        run = {
            "id": run_id,
            "fleet": fleet,
            "pipeline": plan.pipeline,
            "path": plan.path,
            "project": project,
            "config": config,
            "bundle": bundle,
            "contract": contract,
            "environment": plan.options.environment,
            "options_json": dump(plan.options),
            "submitter": submitter,
            "state": RunState.QUEUED,
            "levels": len(plan.levels),
            "assets": len(plan.assets),
            "created_at": at,
            "deadline": at + plan.options.timeout,
            "shape": plan.shape,
            "changed_at": at,
        }
        connection.execute(insert(Run), run)
        _insert(connection, AssetRun, _asset_rows(plan, run_id, at))
        _insert(connection, StepRun, _step_rows(plan.assets, run_id, at))
        _insert(connection, Edge, _edge_rows(plan.assets, run_id))
        for spec in plan.assets:
            if spec.given.get("data"):  # of the run that this one continues
                artifacts.add_data(connection, run_id, spec.name, spec.given["data"])


def _continue_once(connection: Connection, run_id: str) -> None:
    """Two that continue one run at the same moment would both do what is left."""
    if not run_id:
        return
    connection.execute(select(Run.id).where(Run.id == run_id).with_for_update())
    if other := remains.continued_by(connection, run_id):
        raise ContinuedAlready(other)


def get(engine: Engine, run_id: str) -> RunView:
    """One run; LookupError with the nearest ids if there is none of this id."""
    with reading(engine) as connection:
        row = connection.execute(_query().where(Run.id == run_id)).first()
        if row is None:
            raise UnknownRun(_unknown(connection, run_id))
        return _view(row, count_states(connection, [run_id])[run_id])


def recent(engine: Engine, limit: int = 20, pipeline: str | None = None) -> list[RunView]:
    """The newest runs, newest first."""
    query = _query().order_by(Run.created_at.desc(), Run.id).limit(limit)
    if pipeline is not None:
        query = query.where(Run.pipeline == pipeline)
    with reading(engine) as connection:
        rows = connection.execute(query).all()
        going = [row.id for row in rows if not row.counts_json]
        counts = count_states(connection, going)
    return [_view(row, counts.get(row.id) or from_json(row.counts_json)) for row in rows]


def going_on(engine: Engine, fleet: str, pipeline: str) -> list[str]:
    """The ids of a pipeline's runs that have not ended, oldest first."""
    query = (
        select(Run.id)
        .where(Run.fleet == fleet, Run.pipeline == pipeline, Run.state.in_(RUN_OPEN))
        .order_by(Run.created_at, Run.id)
    )
    with reading(engine) as connection:
        return list(connection.scalars(query))


def cancel(engine: Engine, run_id: str, reason: str) -> bool:
    """Stop a run: what waits is cancelled at once, what runs is told so at its next renewal.

    False if the run is over or stopping already; LookupError if there is none of this id.
    """
    get(engine, run_id)
    with engine.begin() as connection:
        asked = stopping.request(connection, run_id, RunState.CANCELLED, reason)
        stopping.finish(connection, run_id)
    return asked


def options(engine: Engine, run_id: str) -> RunOptions:
    """What the person who started the run chose; LookupError if there is none of this id."""
    with reading(engine) as connection:
        text = connection.scalar(select(Run.options_json).where(Run.id == run_id))
        if text is None:
            raise UnknownRun(_unknown(connection, run_id))
    return load_options(text)


def _insert(connection: Connection, table: Any, rows: Iterable[dict[str, Any]]) -> None:
    found = list(rows)
    if found:
        connection.execute(insert(table), found)


def _asset_rows(plan: Plan, run_id: str, at: float) -> Iterator[dict[str, Any]]:
    placed = [(number, spec) for number, level in enumerate(plan.levels) for spec in level]
    for position, (level, spec) in enumerate(placed):
        yield {
            "run_id": run_id,
            "asset": spec.name,
            "position": position,
            "level": level,
            "steps": ",".join(spec.steps),
            "spec_json": dump(spec),
            "state": AssetState.QUEUED,
            "reason": "",
            "ended_at": None,
            "changed_at": at,
        }
    for position, skipped in enumerate(plan.skipped, start=len(placed)):
        yield {
            "run_id": run_id,
            "asset": skipped.asset,
            "position": position,
            "level": -1,
            "steps": "",
            "spec_json": "",
            "state": AssetState.SKIPPED,
            "reason": skipped.reason,
            "ended_at": at,
            "changed_at": at,
        }


def _step_rows(specs: Iterable[AssetSpec], run_id: str, at: float) -> Iterator[dict[str, Any]]:
    for spec in specs:
        for position, step in enumerate(spec.steps):
            yield {
                "run_id": run_id,
                "asset": spec.name,
                "position": position,
                "step": step,
                "state": StepState.PENDING,
                "attempts_allowed": backoff.attempts(spec, step),
                "retries_delay": max(spec.retries_delay, 0.0),
                "changed_at": at,
            }


def _edge_rows(specs: Iterable[AssetSpec], run_id: str) -> Iterator[dict[str, str]]:
    for spec in specs:
        for upstream in dict.fromkeys(spec.upstreams):
            yield {"run_id": run_id, "asset": spec.name, "upstream": upstream}


def _query() -> Any:
    return select(
        Run.id,
        Run.fleet,
        Run.pipeline,
        Run.path,
        Run.project,
        Run.config,
        Run.bundle,
        Run.environment,
        Run.submitter,
        Run.state,
        Run.reason,
        Run.level,
        Run.levels,
        Run.assets,
        Run.counts_json,
        Run.stop_state,
        Run.created_at,
        Run.started_at,
        Run.ended_at,
        Run.deadline,
        now().label("now"),
    )


def _view(row: Row[Any], counts: dict[str, int]) -> RunView:
    data = dict(row._mapping)
    data.pop("counts_json")
    stopping_as = data.pop("stop_state")
    data["state"] = RunState(data["state"])
    return RunView(**data, counts=counts, stopping=bool(stopping_as) and row.ended_at is None)


def _unknown(connection: Connection, run_id: str) -> str:
    newest = select(Run.id).order_by(Run.created_at.desc()).limit(1000)
    ids = list(connection.scalars(newest))
    near = difflib.get_close_matches(run_id, ids, n=3, cutoff=0.5)
    if near:
        return f"no run {run_id}; did you mean {' or '.join(near)}?"
    last = f"; the newest is {ids[0]}" if ids else "; the catalog has no runs yet"
    return f"no run {run_id}{last}"
