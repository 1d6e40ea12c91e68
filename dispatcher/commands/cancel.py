"""`fleet cancel`: ask a run to stop."""

import json
from typing import Any

import click

from dispatcher.completion import run_ids
from dispatcher.flags import flag, output_flags, settings_flags
from dispatcher.look import Look


@click.command()
@click.argument("run", shell_complete=run_ids)
@flag("--reason", default="", help="Why, for those who look at the run later.")
@settings_flags
@output_flags
def command(*, run: str, reason: str, overrides: dict[str, Any], look: Look) -> int:
    """Ask a run to stop: what waits is dropped at once, what runs is told within seconds."""
    import getpass

    from catalog import runs
    from dispatcher import fleets, lookup

    engine = fleets.catalog(fleets.load_settings(overrides))
    view = lookup.run(engine, run)
    asked = runs.cancel(engine, view.id, reason or f"cancelled by {getpass.getuser()}")
    now = lookup.run(engine, view.id)
    if look.as_json:
        facts = {"run": view.id, "state": now.state, "stopping": now.stopping}
        look.terminal.line(json.dumps({"v": 1} | facts))
    elif asked:
        look.terminal.line(
            f"run {view.id} is being cancelled; fleet follow {view.id} shows its end"
        )
    else:
        look.terminal.note(
            f"run {view.id} {'is stopping' if now.stopping else f'is over: {now.state}'}"
        )
    return 0
