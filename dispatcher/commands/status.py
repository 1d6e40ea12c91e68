"""`fleet status`: one run as it is now."""

from typing import Any

import click

from dispatcher.completion import run_ids
from dispatcher.flags import output_flags, settings_flags
from dispatcher.terminal import Terminal


@click.command()
@click.argument("run", required=False, default="", shell_complete=run_ids)
@click.option("--last", is_flag=True, help="The newest run; also what is shown without RUN.")
@settings_flags
@output_flags
def command(
    run: str,
    last: bool,
    overrides: dict[str, Any],
    terminal: Terminal,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Show one run: its assets, steps and checks. Exits 1 if it failed."""
    from dispatcher import fleets, lookup, status_text

    engine = fleets.catalog(fleets.load_settings(overrides))
    view = lookup.newest(engine) if last else lookup.run(engine, run)
    if as_json:
        terminal.line(status_text.document(engine, view.id))
    else:
        status_text.show(terminal, engine, view, quiet=quiet, verbose=verbose)
    return 1 if view.state in ("failed", "interrupted") else 0
