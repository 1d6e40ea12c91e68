"""`fleet flower`: watch a fleet in a browser, in the foreground."""

import os
from typing import Any

import click

from dispatcher import flower, local
from dispatcher.flags import flag, output_flags, settings_flags
from dispatcher.fleets import load_settings, require
from dispatcher.look import Look


@click.command()
@settings_flags
@output_flags
@flag("--port", type=click.IntRange(1, 65_535), help="Port; 5555 if it is free.")
@flag("--address", default="127.0.0.1", help="Address to listen on.")
def command(*, overrides: dict[str, Any], look: Look, port: int | None, address: str) -> None:
    """Watch the fleet's tasks in a browser: starts Flower, asks for a password."""
    settings = load_settings(overrides)
    fleet = require(settings)
    up = local.find(settings)
    if up and up.alive() and up.flower and port is None:
        page: Any = up.flower  # it runs beside the fleet already
        look.terminal.line(flower.shown(fleet.settings, page))
        return
    page = flower.sign_in(fleet.settings, port or flower.free_port(), address)
    look.terminal.line(flower.shown(fleet.settings, page))
    argv = flower.argv()
    os.execve(argv[0], argv, flower.environ(fleet.settings, page))  # noqa: S606 - secrets are in the environment
