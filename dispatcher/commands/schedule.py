"""`fleet schedule`: start the runs of pipelines when their schedules say so."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dispatcher.flags import flag, output_flags, settings_flags
from dispatcher.look import Look
from dispatcher.problems import FleetError
from dispatcher.run_flags import GoFlags, RunFlags, run_flags

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from dispatcher.fleets import Fleet
    from dispatcher.running import Request
    from dispatcher.schedules import Scheduled

_OWN = ("start_date", "end_date", "continues", "single_check")  # of each run, by its schedule


@click.command(cls=GoFlags)
@click.argument("folders", nargs=-1, type=click.Path(exists=True, path_type=Path))
@flag("--once", is_flag=True, help="Start what is due now, and end.")
@flag("--list", "listed", is_flag=True, help="Print the pipelines and when each is due, and end.")
@output_flags
@run_flags
@settings_flags
def command(
    *,
    folders: tuple[Path, ...],
    once: bool,
    listed: bool,
    flags: RunFlags,
    overrides: dict[str, Any],
    look: Look,
) -> int:
    """Start a run of each pipeline in FOLDERS whenever its `schedule` is due, until stopped.

    A run covers the time from one due moment to the next. After a pause the newest interval is
    run; with `catchup: true` all that were missed, oldest first. `concurrency` says how many runs
    of a pipeline may go on at once. Several schedulers may run: each interval is started once.
    """
    from dispatcher import fleets, schedules
    from dispatcher.running import Request

    given = [name.replace("_", "-") for name in _OWN if getattr(flags, name)]
    if given:
        raise click.UsageError(f"--{given[0]} is the schedule's to say")
    paths = folders or (Path.cwd(),)
    found = schedules.find(paths)
    if listed:
        return _list(found, look)
    if not found:
        where = ", ".join(map(str, paths))
        raise FleetError(f"no pipeline with a schedule in {where}", hint="schedule: daily")
    settings = fleets.load_settings(overrides, found[0].folder)
    request = Request(target=(), flags=flags, overrides=overrides, look=look)
    fleet = fleets.require(settings)
    engine = fleets.catalog(fleet.settings)
    while True:
        due = _look(engine, fleet, found, request)
        if once:
            return 0
        time.sleep(due)
        found = _again(paths, found, look)


def _look(engine: "Engine", fleet: "Fleet", found: "list[Scheduled]", request: "Request") -> float:
    """One look at all of them; the seconds until the next."""
    from sqlalchemy.exc import SQLAlchemyError

    from assets_parser.faults import DefinitionError
    from dispatcher import schedules

    now = datetime.now(UTC)
    for one in found:
        try:
            for begun in schedules.look(engine, fleet, one, request, now):
                _tell(begun, request.look)
        except (
            FleetError,
            DefinitionError,
            SQLAlchemyError,
            OSError,  # of a file that went while it was read
        ) as error:  # the others go on, and so does this one
            request.look.terminal.note(f"{one.pipeline.name}: {error}")
    waits = [(schedules.following(one, now) - now).total_seconds() for one in found]
    return max(min([schedules.LOOK, *waits]), 1.0)


def _again(paths: Any, found: "list[Scheduled]", look: Look) -> "list[Scheduled]":
    """The pipelines as their files say now; as they were, while those are being edited."""
    from assets_parser.faults import DefinitionError
    from dispatcher import schedules

    try:
        return schedules.find(paths)
    except (FleetError, DefinitionError, OSError) as error:
        look.terminal.note(f"{error}: going on with what was read before")
        return found


def _tell(begun: Any, look: Look) -> None:
    if look.as_json:
        facts = {"run": begun.run_id, "pipeline": begun.pipeline}
        ends = {"start": begun.start.isoformat(), "end": begun.end.isoformat()}
        look.terminal.line(json.dumps({"v": 1} | facts | ends))
    else:
        covers = f"{begun.start:%Y-%m-%d %H:%M} to {begun.end:%Y-%m-%d %H:%M}"
        look.terminal.line(f"run {begun.run_id} \u00b7 {begun.pipeline} \u00b7 {covers}")


def _list(found: "list[Scheduled]", look: Look) -> int:
    from dispatcher import schedules, tables

    now = datetime.now(UTC)
    rows = [
        (one.pipeline.name, one.pipeline.schedule, schedules.following(one, now), one.folder)
        for one in found
    ]
    if look.as_json:
        names = ("pipeline", "schedule", "next", "folder")
        listed = [dict(zip(names, row, strict=True)) for row in rows]
        look.terminal.line(json.dumps({"v": 1, "schedules": listed}, default=str))
    elif rows:
        shown = [[name, text, f"{due:%Y-%m-%d %H:%M}Z", str(at)] for name, text, due, at in rows]
        tables.show(look.terminal, ["pipeline", "schedule", "next", "folder"], shown)
    else:
        look.terminal.note("no pipeline with a schedule")
    return 0
