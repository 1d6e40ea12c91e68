"""Finds a run by what a person types, and what belongs to it. Used by follow, status, logs."""

from dataclasses import replace

from sqlalchemy import Engine

from catalog import runs
from catalog.runs import RunView
from dispatcher import fleets
from dispatcher.fleets import Fleet
from dispatcher.problems import FleetError
from dispatcher.words import some
from workers.settings import Settings


def run(engine: Engine, run_id: str) -> RunView:
    """The run of this id, or the newest for `last`; FleetError names the nearest ids."""
    if run_id in ("last", ""):
        return newest(engine)
    try:
        return runs.get(engine, run_id)
    except LookupError as error:
        raise FleetError(str(error.args[0]), hint="fleet runs lists them") from error


def known(engine: Engine, run_id: str) -> bool:
    """Whether there is a run of this id."""
    try:
        runs.get(engine, run_id)
    except LookupError:
        return False
    return True


def newest(engine: Engine) -> RunView:
    """The run that was started last; FleetError if there is none."""
    found = runs.recent(engine, 1)
    if not found:
        raise FleetError("the catalog has no runs yet", hint="fleet run PIPELINE starts one")
    return found[0]


def fleet(settings: Settings, view: RunView) -> Fleet:
    """The fleet that the run was given to."""
    found = fleets.existing(settings)
    if found and found.settings.fleet == view.fleet:
        return found
    # its broker is unknown here: the catalog and the log files still tell everything
    return Fleet(replace(settings, fleet=view.fleet), f"fleet {view.fleet}", shared=True)


def identity(view: RunView) -> str:
    """The first line about a run."""
    count = f"{some(view.assets, 'asset')} in {some(view.levels, 'level')}"
    return f"run {view.id} · {view.pipeline} · {count} · fleet {view.fleet}"
