"""`fleet down`: stop what `fleet up` started."""

import json
from typing import Any

import click

from dispatcher import local
from dispatcher.flags import flag, output_flags, settings_flags
from dispatcher.fleets import catalog, load_settings
from dispatcher.look import Look


@click.command()
@settings_flags
@output_flags
@flag("--grace", type=float, default=10.0, help="Seconds that running assets have to end.")
@flag("--now", is_flag=True, help="Give them none.")
def command(*, overrides: dict[str, Any], look: Look, grace: float, now: bool) -> None:
    """Stop the fleet that `fleet up` started; runs that go on are marked interrupted."""
    settings = load_settings(overrides)
    found = local.find(settings)
    ended = local.end(settings, found, grace=0 if now else grace) if found else []
    if found:
        _interrupt(settings, found.fleet)
    if look.as_json:
        look.terminal.line(json.dumps({"v": 1, "stopped": ended}))
    elif not found:
        look.terminal.note("no fleet is up")
    else:
        look.terminal.line(
            f"fleet down · stopped {', '.join(ended)}" if ended else "it was gone already"
        )


def _interrupt(settings: Any, fleet: str) -> None:
    from catalog.recover import interrupt

    interrupt(catalog(settings), fleet, "fleet down")
