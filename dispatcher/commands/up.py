"""`fleet up`: a fleet on this host that stays until `fleet down`."""

import json
from dataclasses import replace
from typing import Any

import click

from dispatcher import local
from dispatcher.flags import flag, output_flags, settings_flags
from dispatcher.fleets import catalog, load_settings, place
from dispatcher.look import Look
from dispatcher.problems import FleetError
from dispatcher.terminal import Terminal
from dispatcher.words import some


@click.command()
@settings_flags
@output_flags
@flag("--slots", type=click.IntRange(1), help="Assets at a time; as many as cores if not given.")
@click.option(
    "--flower/--no-flower",
    "with_flower",
    envvar="FLEET_FLOWER",
    default=True,
    help="Start Flower too.",
)
def command(*, overrides: dict[str, Any], look: Look, slots: int | None, with_flower: bool) -> None:
    """Start a fleet on this host and keep it: Valkey, a worker, Flower.

    Later runs find it by themselves. Its state is in FLEET_HOME, its logs in FLEET_HOME/logs.
    """
    settings = load_settings(overrides)
    if settings.broker:
        message = f"a broker is configured already ({place(settings.broker)})"
        raise FleetError(message, hint="fleet worker joins it")
    found = local.find(settings)
    if found and found.alive():
        look.terminal.note("a fleet is up already; fleet down stops it")
    else:
        if found:
            local.end(settings, found, grace=0)  # parts of it are gone: begin anew
        catalog(settings).dispose()
        chosen = replace(settings, slots=slots or settings.slot_count)
        found = local.start(chosen, with_flower=with_flower)
    _tell(look.terminal, found, look.as_json)


def _tell(terminal: Terminal, found: local.Local, as_json: bool) -> None:
    if as_json:
        facts = {"fleet": found.fleet, "slots": found.slots, "flower": dict(found.flower)}
        terminal.line(json.dumps(facts))
        return
    terminal.line(f"fleet up · {some(found.slots, 'slot')} · broker {place(found.broker)}")
    if found.flower:
        page = found.flower
        terminal.line(
            f"  flower   {page['url']}   user {page['user']}   password {page['password']}"
        )
    terminal.line("  use it   fleet run PIPELINE")
    terminal.line("  stop it  fleet down")
