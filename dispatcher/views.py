"""The catalog's views as rows of a board and failures of a report. For follow and status."""

from collections import Counter
from collections.abc import Iterable, Mapping

from sqlalchemy import Engine

from catalog import runs
from catalog.runs import AssetView, CheckView, RunView
from dispatcher.board import AssetRow, Board, RunRow
from dispatcher.report import FailedCheck, Failure


def board(engine: Engine, run_id: str) -> Board:
    """The whole run as it is now; LookupError if there is none of this id."""
    run = runs.get(engine, run_id)
    return board_of(run, runs.asset_runs(engine, run_id))


def board_of(run: RunView, assets: Iterable[AssetView]) -> Board:
    """A run, and its assets as they were read after it."""
    rows = {view.asset: asset_row(view) for view in assets}
    return Board(run=run_row(run), rows=planned(rows), now=run.now)


def planned(rows: Mapping[str, AssetRow]) -> dict[str, AssetRow]:
    """Only what the run set out to do: not what the plan left out."""
    return {name: row for name, row in rows.items() if row.level >= 0}


def run_row(view: RunView) -> RunRow:
    """The run's row."""
    return RunRow(
        id=view.id,
        pipeline=view.pipeline,
        state=str(view.state),
        level=max(view.level, 0),
        levels=view.levels,
        reason=view.reason,
        cancelling=view.stopping,
        created=view.created_at,
        started=view.started_at or 0.0,
        ended=view.ended_at or 0.0,
    )


def asset_row(view: AssetView) -> AssetRow:
    """One asset's row."""
    progress = view.progress
    return AssetRow(
        name=view.asset,
        level=view.level,
        state=str(view.state),
        step=view.step,
        reason=_reason(view),
        waits=str(view.step_state) == "queued" and bool(view.reason),
        due=view.not_before,
        rows=view.rows,
        done=progress.get("rows"),
        total=progress.get("total"),
        note=str(progress.get("note") or ""),
        again=view.before.partition("\n")[0],
        checks_passed=view.checks_passed or 0,
        checks_failed=view.checks_failed or 0,
        blocks=view.blocks,
        error=str(view.error.get("message", "")).partition("\n")[0],
        started=view.started_at or 0.0,
        ended=view.ended_at or 0.0,
    )


def _reason(view: AssetView) -> str:
    """Why an asset waits or did not run, in few words."""
    cause = _cause(view)
    return f"by {cause}" if cause else view.reason


def _cause(view: AssetView) -> str:
    """The asset whose failure kept this one from running: `upstream NAME failed ...`."""
    words = view.reason.split()
    at_fault = view.state == "upstream_failed" and len(words) > 2 and words[0] == "upstream"
    return words[1] if at_fault else ""


def failures(engine: Engine, run_id: str) -> list[Failure]:
    """Why each failed asset of the run failed."""
    views = runs.asset_runs(engine, run_id)
    failed = [view for view in views if view.state == "failed"]
    checks = runs.check_results(engine, run_id) if any(v.checks_failed for v in failed) else []
    waiting = _waiting(views)
    return [_failure(view, checks, waiting.get(view.asset, 0)) for view in failed]


def _failure(view: AssetView, checks: Iterable[CheckView], waiting: int) -> Failure:
    error = view.error
    broken = [check for check in checks if check.asset == view.asset and not check.passed]
    return Failure(
        asset=view.asset,
        step=view.step,
        look=asset_row(view).look,
        message=str(error.get("message") or view.reason),
        detail=str(error.get("detail", "")),
        hint=str(error.get("hint", "")),
        frames=error.get("frames", ()),
        attempt=view.attempt,
        attempts=view.attempts_allowed,
        worker=view.worker,
        checks=[_check(check) for check in broken],
        waiting=waiting,
    )


def _check(check: CheckView) -> FailedCheck:
    return FailedCheck(
        id=check.id,
        message=check.message,
        blocking=check.blocking,
        observed=check.observed,
        expected=check.expected,
        query=check.query,
    )


def _waiting(views: Iterable[AssetView]) -> Mapping[str, int]:
    """How many assets each failed one holds up."""
    return Counter(_cause(view) for view in views)
