"""`fleet workers`: who works, on what, and when each was heard of last."""

import json
from typing import Any

import click

from dispatcher.flags import flag, output_flags, settings_flags
from dispatcher.look import Look


@click.command()
@flag("-a", "--all", "everyone", is_flag=True, help="Also those that left or were lost long ago.")
@settings_flags
@output_flags
def command(*, everyone: bool, overrides: dict[str, Any], look: Look) -> None:
    """List the fleet's workers: slots, queues, Pythons, environments, and what runs on them.

    -v shows each step that runs and each environment, with its size and how often it was used.
    """
    from dispatcher import fleets, worker_text

    settings = fleets.load_settings(overrides)
    found = worker_text.seen(fleets.catalog(settings), settings.lease)
    shown = [worker for worker in found if everyone or worker.recent]
    if look.as_json:
        rows = [worker.as_json() for worker in shown]
        look.terminal.line(json.dumps({"v": 1, "workers": rows}, default=str))
    elif not shown:
        look.terminal.line("no workers: fleet up starts one here, fleet worker joins a fleet")
    else:
        worker_text.show(look.terminal, shown, verbose=look.verbose)
