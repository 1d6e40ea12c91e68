"""`fleet runs`: the latest runs."""

import json
from typing import Any

import click

from dispatcher.flags import flag, output_flags, settings_flags
from dispatcher.look import Look
from dispatcher.terminal import Terminal


@click.command()
@flag("-n", "--limit", type=click.IntRange(1), default=20, help="How many.")
@flag("--pipeline", metavar="NAME", help="Only runs of this pipeline.")
@settings_flags
@output_flags
def command(*, limit: int, pipeline: str | None, overrides: dict[str, Any], look: Look) -> None:
    """List the latest runs, newest first."""
    from catalog import runs
    from dispatcher import fleets

    found = runs.recent(fleets.catalog(fleets.load_settings(overrides)), limit, pipeline)
    if look.as_json:
        look.terminal.line(json.dumps({"v": 1, "runs": [_facts(view) for view in found]}))
    elif not found:
        none = f"no runs of a pipeline '{pipeline}'" if pipeline else "no runs yet"
        look.terminal.line(f"{none}: fleet run PIPELINE starts one")
    else:
        _show(look.terminal, found)


def _facts(view: Any) -> dict[str, Any]:
    names = ("id", "pipeline", "state", "reason", "environment", "fleet", "submitter", "levels")
    times = ("created_at", "started_at", "ended_at")
    facts = {name: getattr(view, name) for name in (*names, *times)}
    return facts | {"assets": view.assets, "counts": dict(view.counts)}


def _show(terminal: Terminal, found: list[Any]) -> None:
    from dispatcher import tables

    header = ["run", "pipeline", "state", "assets", "took", "started", "by"]
    rows = [_row(terminal, view) for view in found]
    tables.show(terminal, header, rows, right="took assets")


def _row(terminal: Terminal, view: Any) -> list[str]:
    from dispatcher.words import ago, duration

    end = view.ended_at or view.now
    good = view.counts.get("succeeded", 0)
    state = f"{terminal.sign(str(view.state))} {view.state}"
    return [
        view.id,
        view.pipeline,
        state,
        f"{good} of {view.assets}",
        duration(end - (view.started_at or view.created_at)),
        ago(view.now - view.created_at),
        view.submitter.partition(",")[0],
    ]
