"""`fleet up`: a fleet on this host that stays until `fleet down`."""

import json
from dataclasses import replace
from typing import Any

import click

from dispatcher import flower, local
from dispatcher.flags import flag, output_flags, settings_flags
from dispatcher.fleets import catalog, load_settings, place
from dispatcher.look import Look
from dispatcher.problems import FleetError
from dispatcher.terminal import Terminal
from dispatcher.words import some
from workers.queues import ANY, GENERAL
from workers.settings import Settings


@click.command()
@settings_flags
@output_flags
@flag("--slots", type=click.IntRange(1), help="Assets at a time; as many as cores if not given.")
@flag("--queues", metavar="A,B", help="Queues to take work from; all instances if not given.")
@flag("--weights", metavar="A=2,B=4", help="Slots that an asset takes, by its instance.")
@click.option(
    "--flower/--no-flower",
    "with_flower",
    envvar="FLEET_FLOWER",
    default=True,
    help="Start Flower too.",
)
def command(*, overrides: dict[str, Any], look: Look, with_flower: bool, **given: Any) -> None:
    """Start a fleet on this host and keep it: Valkey, a worker, Flower.

    Later runs find it by themselves. Its state is in FLEET_HOME, its logs in FLEET_HOME/logs.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    settings = load_settings(overrides | chosen)
    if settings.broker:
        message = f"a broker is configured already ({place(settings.broker)})"
        raise FleetError(message, hint="fleet worker joins it")
    with local.alone(settings):
        found = local.find(settings)
        if found and found.alive():
            look.terminal.note("a fleet is up already; fleet down stops it")
        else:
            if found:
                local.end(settings, found, grace=0)  # parts of it are gone: begin anew
            own = settings if chosen.get("queues") else _for_all_queues(settings)
            found = _start(own, with_flower=with_flower)
    _tell(look.terminal, settings, found, as_json=look.as_json)


def _start(settings: Settings, *, with_flower: bool) -> local.Local:
    engine = catalog(settings)
    found = local.start(settings, with_flower=with_flower)
    try:
        local.wait(settings, found, engine)
    except BaseException:  # also Ctrl-C: half a fleet is none
        local.end(settings, found, grace=0)
        raise
    finally:
        engine.dispose()
    return found


def _for_all_queues(settings: Settings) -> Settings:
    """Nobody else may be there: whoever names no queues takes the assets of every instance."""
    queues = (ANY,) if settings.queues == (GENERAL,) else settings.queues
    return replace(settings, queues=queues)


def _tell(terminal: Terminal, settings: Settings, found: local.Local, *, as_json: bool) -> None:
    if as_json:
        facts = {"fleet": found.fleet, "slots": found.slots, "flower": dict(found.flower)}
        terminal.line(json.dumps({"v": 1} | facts))
        return
    terminal.line(f"fleet up · {some(found.slots, 'slot')} · broker {place(found.broker)}")
    if found.flower:
        terminal.line(f"  {flower.shown(settings, found.flower)}")
    terminal.line("  use it   fleet run PIPELINE")
    terminal.line("  stop it  fleet down")
