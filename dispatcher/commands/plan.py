"""`fleet plan`: what a run would do, without doing it."""

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
    """Show what a run would do, level by level, without doing it. Takes the flags of `run`."""
    from dispatcher import plan_text, preparing
    from dispatcher.target import find

    prepared = preparing.prepare(find(target), flags, look.terminal)
    if look.as_json:
        look.terminal.line(plan_text.document(prepared))
    else:
        plan_text.show(look.terminal, prepared, verbose=look.verbose)
    return 0
