"""One run for people and for programs. Used by `fleet status`."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Engine

from assets_parser import check_ids
from assets_parser.spec import AssetSpec
from catalog import claims, runs
from catalog.runs import AssetView, CheckView, RunView, StepView
from dispatcher import lookup, report, tables, views
from dispatcher.board import Board
from dispatcher.display_json import checks as check_counts
from dispatcher.display_json import finished
from dispatcher.lines import Lines, name_width
from dispatcher.terminal import Terminal
from dispatcher.words import duration

VERSION = 1


def show(terminal: Terminal, engine: Engine, view: RunView, *, quiet: bool, verbose: bool) -> None:
    """Print the run's assets, one line each, its failures and the line for the whole."""
    board = views.board_of(view, runs.asset_runs(engine, view.id))
    lines = Lines(terminal, name_width(list(board.rows), terminal))
    terminal.line(lookup.identity(view))
    steps = _steps(engine, view.id, board.now) if verbose else {}
    for row in [] if quiet else board.rows.values():
        terminal.line((lines.ended if row.over else lines.active)(row, board.now))
        for line in steps.get(row.name, []):
            terminal.line(line)
    if board.run.over:
        report.show(terminal, board, views.failures(engine, view.id))
    else:
        terminal.line(lines.whole(board))


def timings(terminal: Terminal, engine: Engine, board: Board) -> None:
    """Print how long each step took, and where; the end of `fleet run -v`."""
    terminal.line()
    for asset, lines in _steps(engine, board.run.id, board.now).items():
        terminal.line(f"  {asset}")
        for line in lines:
            terminal.line(line)


def document(engine: Engine, view: RunView) -> str:
    """The run as one JSON document; `main` and `checks` are what Bruin would say of each."""
    # what is read later may know more, never less: all of a run that is over was there by then
    found = runs.asset_runs(engine, view.id)
    steps = runs.step_views(engine, view.id)
    results = runs.check_results(engine, view.id)
    board = views.board_of(view, found)
    facts = {
        "v": VERSION,
        "run": view.id,
        "pipeline": view.pipeline,
        "project": view.project,
        "state": str(view.state),
        "reason": view.reason,
        "fleet": view.fleet,
        "created_at": view.created_at,
        "started_at": view.started_at,
        "ended_at": view.ended_at,
        "check_counts": check_counts(board),
        "assets": [_asset(asset, steps, board.now) for asset in found],
        "checks": _checks(engine, view.id, found, results),
    }
    return json.dumps(facts)


def _steps(engine: Engine, run_id: str, now: float) -> Mapping[str, list[str]]:
    """The lines about the steps of each asset, aligned over all of them."""
    steps = runs.step_views(engine, run_id)
    shown = tables.columns([_step(step, now) for step in steps], right=[2])
    lines: dict[str, list[str]] = {}
    for step, line in zip(steps, shown, strict=True):
        lines.setdefault(step.asset, []).append(f"      {line}")
    return lines


def _step(step: StepView, now: float) -> list[str]:
    took = duration((step.ended_at or now) - step.started_at) if step.started_at else ""
    return [step.step, str(step.state), took, step.worker, step.reason]


def _asset(view: AssetView, steps: Iterable[StepView], now: float) -> dict[str, Any]:
    own = [step for step in steps if step.asset == view.asset]
    shown = [
        {"step": s.step, "state": str(s.state), "attempt": s.attempt, "result": dict(s.result)}
        for s in own
    ]
    facts = finished(views.asset_row(view), now)
    return facts | {"main": _main(view, own), "level": view.level, "steps": shown}


def _main(view: AssetView, steps: Iterable[StepView]) -> str:
    """The state of the asset without its checks."""
    states = [str(step.state) for step in steps if step.step != "checks"]
    if view.state in ("upstream_failed", "skipped", "cancelled"):
        return str(view.state)
    if not states:
        return "skipped" if view.steps else str(view.state)
    for state in ("failed", "lost", "cancelled", "running", "queued", "pending"):
        if state in states:
            return "failed" if state == "lost" else state
    return "succeeded"


def _checks(
    engine: Engine, run_id: str, assets: Iterable[AssetView], results: Iterable[CheckView]
) -> dict[str, str]:
    """The state of each check by its id; those that never ran say why in their state."""
    seen = {r.id: "succeeded" if r.passed else "failed" for r in results}
    for view in assets:
        if "checks" in view.steps:
            state = _unseen(view)
            for name in _names(claims.spec(engine, run_id, view.asset)):
                seen.setdefault(name, state)
    return seen


def _unseen(view: AssetView) -> str:
    """The state of a check that left no result."""
    if view.state == "failed":
        return "failed" if view.step == "checks" else "upstream_failed"
    return str(view.state)


def _names(spec: AssetSpec) -> list[str]:
    return [name for name, _ in check_ids.checks(spec)]
