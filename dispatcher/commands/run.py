"""`fleet run`: submit a pipeline and follow it to its end."""

from typing import Any

import click

from dispatcher.flags import flag, output_flags, settings_flags
from dispatcher.look import Look
from dispatcher.run_flags import GoFlags, RunFlags, run_flags


@click.command(cls=GoFlags)
@click.argument("target", nargs=-1)
@output_flags
@run_flags
@flag("-d", "--detach", is_flag=True, help="Print the run's id and return at once.")
@settings_flags
def command(
    *, target: tuple[str, ...], flags: RunFlags, detach: bool, overrides: dict[str, Any], look: Look
) -> int:
    """Run a pipeline and follow it to its end.

    TARGET is a pipeline's folder or file, an asset's file, or names of assets; the pipeline of the
    current folder if there is none. Without a configured broker, and without a fleet that
    `fleet up` started, a small fleet is started for this run and stopped after it.
    """
    from dispatcher.running import Request, detached, run

    request = Request(target=target, flags=flags, overrides=overrides, look=look)
    return detached(request) if detach else run(request)
