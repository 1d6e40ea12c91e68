"""What an ended run left undone, for a run that continues it. dispatcher.continuing asks."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, select

from assets_parser.remaining import Left, written
from assets_parser.spec import load_spec
from catalog.engine import reading
from catalog.states import AssetState, StepState
from catalog.tables import Artifact, AssetRun, Attempt, CheckResult, Run, StepRun
from catalog.values import from_json


def newest(engine: Engine, project: str, path: str) -> str | None:
    """The id of the run of this pipeline, in this project folder, that was started last."""
    query = (
        select(Run.id)
        .where(Run.project == project, Run.path == path)
        .order_by(Run.created_at.desc(), Run.id)
        .limit(1)
    )
    with reading(engine) as connection:
        found: str | None = connection.scalar(query)
    return found


def continued_by(connection: Connection, run_id: str) -> str:
    """The id of the newest run that continues this one; empty if none does."""
    said = f'"continues":"{run_id}"'
    query = (
        select(Run.id)
        .where(Run.options_json.contains(said, autoescape=True))
        .order_by(Run.created_at.desc(), Run.id)
        .limit(1)
    )
    return connection.scalar(query) or ""


def continued(engine: Engine, run_id: str) -> tuple[str, ...]:
    """The runs that this one continues, the newest first; none for a run of its own."""
    found: list[str] = []
    with reading(engine) as connection:
        while text := connection.scalar(select(Run.options_json).where(Run.id == run_id)):
            run_id = str(from_json(text).get("continues") or "")
            if not run_id or run_id in found:
                break
            found.append(run_id)
    return tuple(found)


def shape(engine: Engine, run_id: str) -> str:
    """What assets_parser.remaining.shape said of the run's pipeline; empty if nobody wrote it."""
    with reading(engine) as connection:
        return connection.scalar(select(Run.shape).where(Run.id == run_id)) or ""


def left(engine: Engine, run_id: str) -> dict[str, Left]:
    """What the run did of each of its assets, also of those that its plan left out."""
    with reading(engine) as connection:
        steps = _steps(connection, run_id)
        passed = _passed(connection, run_id)
        gone = _gone(connection, run_id)
        rows = connection.execute(
            select(AssetRun.asset, AssetRun.level, AssetRun.state, AssetRun.reason)
            .add_columns(AssetRun.spec_json)
            .where(AssetRun.run_id == run_id)
            .order_by(AssetRun.position)
        ).all()
    return {
        row.asset: _left(row, steps.get(row.asset, []), passed.get(row.asset, frozenset()), gone)
        for row in rows
    }


def _left(row: Any, steps: list[Any], passed: frozenset[str], gone: frozenset[str]) -> Left:
    if row.level < 0:
        return Left(reason=row.reason)
    if row.state == AssetState.SUCCEEDED:
        return Left(spec=load_spec(row.spec_json), over=True)
    spec = load_spec(row.spec_json)
    done = list(_done(steps))
    following = steps[len(done)] if len(done) < len(steps) else None
    begun = following if following is not None and following.number else None
    kind = str(from_json(begun.error_json).get("kind", "")) if begun else ""
    given = from_json(done[-1].result_json) if done else spec.given
    return Left(
        spec=spec,
        done=tuple(step.step for step in done),
        begun=begun.step if begun else "",
        written=written(spec, begun.step, kind) if begun else "",
        given=None if _path(given) in gone else given,
        passed=passed,
    )


def _done(steps: list[Any]) -> Iterator[Any]:
    for step in steps:
        if step.state != StepState.SUCCEEDED:
            return
        yield step


def _path(result: Mapping[str, Any]) -> str | None:
    data = result.get("data")
    return data.get("path") if isinstance(data, dict) else None


def _steps(connection: Connection, run_id: str) -> dict[str, list[Any]]:
    query = (
        select(StepRun.asset, StepRun.step, StepRun.state, StepRun.number, StepRun.result_json)
        .add_columns(StepRun.error_json)
        .where(StepRun.run_id == run_id)
        .order_by(StepRun.asset, StepRun.position)
    )
    found: dict[str, list[Any]] = {}
    for row in connection.execute(query):
        found.setdefault(row.asset, []).append(row)
    return found


def _passed(connection: Connection, run_id: str) -> dict[str, frozenset[str]]:
    """By asset the checks that passed when they were asked last, in the newest attempt of all."""
    query = (
        select(CheckResult.asset, CheckResult.check_id, CheckResult.passed, CheckResult.attempt_id)
        .join(Attempt, Attempt.id == CheckResult.attempt_id)
        .where(CheckResult.run_id == run_id)
        .order_by(CheckResult.attempt_id)
    )
    last: dict[tuple[str, str], dict[int, bool]] = {}
    for row in connection.execute(query):
        seen = last.setdefault((row.asset, row.check_id), {})
        seen[row.attempt_id] = seen.get(row.attempt_id, True) and row.passed
    passed: dict[str, set[str]] = {}
    for (asset, check), seen in last.items():
        if seen[max(seen)]:
            passed.setdefault(asset, set()).add(check)
    return {asset: frozenset(names) for asset, names in passed.items()}


def _gone(connection: Connection, run_id: str) -> frozenset[str]:
    """The paths of data that was stored and is removed by now."""
    query = select(Artifact.path).where(
        Artifact.run_id == run_id, Artifact.removed_at.is_not(None), Artifact.label == "data"
    )
    return frozenset(connection.scalars(query))
