"""`fleet workers`: who works, on what, and when each was heard of last."""

import json
from dataclasses import asdict
from typing import Any

import click

from dispatcher.flags import flag, output_flags, settings_flags
from dispatcher.look import Look


@click.command()
@flag("-a", "--all", "everyone", is_flag=True, help="Also those that left or were lost long ago.")
@settings_flags
@output_flags
def command(*, everyone: bool, overrides: dict[str, Any], look: Look) -> None:
    """List the fleet's workers: their slots, queues, Pythons, and what runs on them."""
    from catalog import workers
    from dispatcher import fleets, worker_text

    engine = fleets.catalog(fleets.load_settings(overrides))
    views = [view for view in workers.all_workers(engine) if everyone or worker_text.recent(view)]
    if look.as_json:
        look.terminal.line(
            json.dumps({"v": 1, "workers": [asdict(view) for view in views]}, default=str)
        )
    elif not views:
        look.terminal.line("no workers: fleet up starts one here, fleet worker joins a fleet")
    else:
        worker_text.show(look.terminal, views, worker_text.running(engine))
