"""`fleet follow`: come back to a run."""

from typing import Any

import click

from dispatcher.completion import run_ids
from dispatcher.flags import output_flags, settings_flags
from dispatcher.terminal import Terminal


@click.command()
@click.argument("run", shell_complete=run_ids)
@settings_flags
@output_flags
def command(
    run: str,
    overrides: dict[str, Any],
    terminal: Terminal,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Come back to a run that is going on, or see how one ended. Exits as `fleet run` would."""
    from dispatcher import fleets, lookup, showing

    settings = fleets.load_settings(overrides)
    engine = fleets.catalog(settings)
    view = lookup.run(engine, run)
    fleet = lookup.fleet(settings, view)
    look = showing.Look(terminal=terminal, as_json=as_json, quiet=quiet, verbose=verbose)
    again = lookup.again(view)
    return showing.follow(engine, view.id, fleet, look, lookup.identity(view), again)
