"""`fleet submit`: start a run and return at once."""

from typing import Any

import click

from dispatcher.flags import output_flags, settings_flags
from dispatcher.look import Look
from dispatcher.run_flags import GoFlags, RunFlags, run_flags


@click.command(cls=GoFlags)
@click.argument("target", nargs=-1)
@output_flags
@run_flags
@settings_flags
def command(
    *, target: tuple[str, ...], flags: RunFlags, overrides: dict[str, Any], look: Look
) -> int:
    """Start a run on a fleet that stays, and print its id.

    `fleet follow RUN` shows it. The fleet is the configured one, or what `fleet up` started.
    """
    from dispatcher.running import Request, detached

    return detached(Request(target=target, flags=flags, overrides=overrides, look=look))
