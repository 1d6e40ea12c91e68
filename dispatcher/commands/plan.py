"""`fleet plan`: what a run would do, without doing it."""

from typing import Any

import click

from dispatcher.flags import output_flags, settings_flags
from dispatcher.run_flags import GoFlags, RunFlags, run_flags
from dispatcher.terminal import Terminal


@click.command(cls=GoFlags)
@click.argument("target", nargs=-1)
@output_flags
@run_flags
@settings_flags
def command(
    target: tuple[str, ...],
    flags: RunFlags,
    overrides: dict[str, Any],
    terminal: Terminal,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Show what a run would do, level by level, without doing it. Takes the flags of `run`."""
    from dispatcher import plan_text, preparing
    from dispatcher.target import find

    prepared = preparing.prepare(find(target), flags, terminal)
    if as_json:
        terminal.line(plan_text.document(prepared))
    else:
        plan_text.show(terminal, prepared, verbose=verbose)
    return 0
