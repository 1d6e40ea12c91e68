"""`fleet follow`: come back to a run."""

from typing import Any

import click

from dispatcher.completion import run_ids
from dispatcher.flags import output_flags, settings_flags
from dispatcher.look import Look


@click.command()
@click.argument("run", shell_complete=run_ids)
@settings_flags
@output_flags
def command(*, run: str, overrides: dict[str, Any], look: Look) -> int:
    """Come back to a run that is going on, or see how one ended. Exits as `fleet run` would."""
    from dispatcher import fleets, lookup, showing

    settings = fleets.load_settings(overrides)
    engine = fleets.catalog(settings)
    view = lookup.run(engine, run)
    fleet = lookup.fleet(settings, view)
    return showing.follow(engine, view.id, fleet, look, identity=lookup.identity(view))
