"""`fleet status`: one run as it is now."""

from typing import Any

import click

from dispatcher.completion import run_ids
from dispatcher.flags import output_flags, settings_flags
from dispatcher.look import Look


@click.command()
@click.argument("run", required=False, default="", shell_complete=run_ids)
@click.option("--last", is_flag=True, help="The newest run; also what is shown without RUN.")
@settings_flags
@output_flags
def command(*, run: str, last: bool, overrides: dict[str, Any], look: Look) -> int:
    """Show one run: its assets, steps and checks. Exits 1 if it failed."""
    from dispatcher import fleets, lookup, status_text

    engine = fleets.catalog(fleets.load_settings(overrides))
    view = lookup.newest(engine) if last else lookup.run(engine, run)
    if look.as_json:
        look.terminal.line(status_text.document(engine, view))
    else:
        status_text.show(look.terminal, engine, view, quiet=look.quiet, verbose=look.verbose)
    return 1 if view.state in ("failed", "interrupted") else 0
