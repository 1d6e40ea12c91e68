"""Reads the parts of a run: assets, steps, attempts, checks. catalog.runs offers these."""

from typing import Any

from sqlalchemy import Engine, ScalarSelect, and_, case, func, or_, select

from catalog.engine import reading
from catalog.states import AssetState, StepState
from catalog.tables import AssetRun, Attempt, CheckResult, StepRun
from catalog.values import from_json
from catalog.views import AssetView, AttemptView, CheckView, StepView

_OVERLAP = 2.0
"""Seconds by which `changed_since` reaches back: a change is seen only once it is committed."""


def asset_runs(engine: Engine, run_id: str, changed_since: float = 0.0) -> list[AssetView]:
    """The assets of a run in the plan's order, or those that changed since a time of the catalog.

    Some that changed up to 2 s before are given again. What the plan leaves out has level -1.
    """
    since = changed_since - _OVERLAP
    same_step = and_(
        StepRun.run_id == AssetRun.run_id,
        StepRun.asset == AssetRun.asset,
        or_(StepRun.step == AssetRun.step, and_(AssetRun.step == "", StepRun.position == 0)),
    )
    changed_at = func.coalesce(StepRun.changed_at, AssetRun.changed_at)
    query = (
        select(AssetRun, StepRun, changed_at.label("step_changed_at"))
        .outerjoin(StepRun, same_step)
        .where(AssetRun.run_id == run_id)
        .order_by(AssetRun.position)
    )
    if changed_since > 0:
        query = query.where(or_(AssetRun.changed_at >= since, StepRun.changed_at >= since))
    with reading(engine) as connection:
        rows = connection.execute(_asset_columns(query)).mappings().all()
    return [_asset_view(row) for row in rows]


def _asset_columns(query: Any) -> Any:
    a, s = AssetRun, StepRun
    return query.with_only_columns(
        a.asset,
        a.level,
        a.position,
        a.state,
        a.reason,
        s.reason.label("step_reason"),
        a.blocks,
        a.steps,
        a.step,
        s.state.label("step_state"),
        func.coalesce(s.number, 0).label("attempt"),
        func.coalesce(s.attempts_allowed + s.losses, 1).label("attempts_allowed"),
        func.coalesce(s.waiting_on, "").label("waiting_on"),
        func.coalesce(s.not_before, 0.0).label("not_before"),
        func.coalesce(s.worker, "").label("worker"),
        case(
            (s.state.in_((StepState.QUEUED, StepState.RUNNING)), func.coalesce(s.error_json, "")),
            (a.state == AssetState.SUCCEEDED, func.coalesce(_overcome(), "")),
            else_="",
        ).label("before"),
        func.coalesce(s.progress_json, "").label("progress"),
        a.rows,
        a.checks_passed,
        a.checks_failed,
        a.error_json.label("error"),
        s.queued_at,
        s.sent_at,
        a.started_at,
        a.ended_at,
        a.changed_at,
        s.changed_at.label("step_changed_at"),
    )


def _asset_view(row: Any) -> AssetView:
    data = dict(row)
    step_reason, step_changed = data.pop("step_reason"), data.pop("step_changed_at")
    step_state = data.pop("step_state")
    steps = data.pop("steps")
    return AssetView(
        **data
        | {
            "state": AssetState(data["state"]),
            "reason": data["reason"] or step_reason or "",
            "steps": tuple(steps.split(",")) if steps else (),
            "step_state": StepState(step_state) if step_state else None,
            "before": str(from_json(data["before"]).get("message", "")),
            "progress": from_json(data["progress"]),
            "error": from_json(data["error"]),
            "changed_at": max(data["changed_at"], step_changed or 0.0),
        }
    )


def _overcome() -> ScalarSelect[str]:
    """The last error that an asset met and got over: of an attempt that was made again."""
    a = Attempt
    ended_badly = a.state.in_((StepState.FAILED, StepState.LOST))
    return (
        select(a.error_json)
        .where(a.run_id == AssetRun.run_id, a.asset == AssetRun.asset, ended_badly)
        .order_by(a.id.desc())
        .limit(1)
        .correlate(AssetRun)
        .scalar_subquery()
    )


def step_views(engine: Engine, run_id: str, asset: str | None = None) -> list[StepView]:
    """The steps of a run, or of one asset of it, in order."""
    s = StepRun
    query = (
        select(
            s.asset,
            s.step,
            s.position,
            s.state,
            s.reason,
            s.number.label("attempt"),
            (s.attempts_allowed + s.losses).label("attempts_allowed"),
            s.waiting_on,
            s.waiting_since,
            s.not_before,
            s.worker,
            s.pid,
            s.queued_at,
            s.sent_at,
            s.sends,
            s.queue,
            s.losses,
            s.deaths,
            s.lease_until,
            s.started_at,
            s.ended_at,
            s.progress_json.label("progress"),
            s.result_json.label("result"),
            s.error_json.label("error"),
        )
        .where(s.run_id == run_id)
        .order_by(s.id)
    )
    if asset is not None:
        query = query.where(s.asset == asset)
    with reading(engine) as connection:
        rows = connection.execute(query).mappings().all()
    return [StepView(**_decoded(row)) for row in rows]


def attempts(engine: Engine, run_id: str, asset: str | None = None) -> list[AttemptView]:
    """All tries of all steps of a run, or of one asset of it, oldest first."""
    a = Attempt
    query = (
        select(
            a.asset,
            a.step,
            a.number,
            a.id.label("token"),
            a.state,
            a.worker,
            a.pid,
            a.host,
            a.started_at,
            a.ended_at,
            a.result_json.label("result"),
            a.error_json.label("error"),
        )
        .where(a.run_id == run_id)
        .order_by(a.id)
    )
    if asset is not None:
        query = query.where(a.asset == asset)
    with reading(engine) as connection:
        rows = connection.execute(query).mappings().all()
    return [AttemptView(**_decoded(row)) for row in rows]


def check_results(engine: Engine, run_id: str, asset: str | None = None) -> list[CheckView]:
    """What the checks of a run, or of one asset of it, saw last."""
    c = CheckResult
    newest = (
        select(func.max(c.attempt_id)).where(c.run_id == run_id).group_by(c.asset).scalar_subquery()
    )
    query = (
        select(
            c.asset,
            c.check_id.label("id"),
            c.name,
            c.column,
            c.blocking,
            c.passed,
            c.observed,
            c.expected,
            c.query,
            c.message,
            c.seconds,
        )
        .where(c.run_id == run_id, c.attempt_id.in_(newest))
        .order_by(c.asset, c.position)
    )
    if asset is not None:
        query = query.where(c.asset == asset)
    with reading(engine) as connection:
        return [CheckView(**row) for row in connection.execute(query).mappings()]


def _decoded(row: Any) -> dict[str, Any]:
    data = dict(row)
    data["state"] = StepState(data["state"])
    for name in ("progress", "result", "error"):
        if name in data:
            data[name] = from_json(data[name])
    return data
