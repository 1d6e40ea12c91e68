"""`fleet logs`: what an asset wrote."""

from typing import Any

import click

from dispatcher.completion import run_assets, run_ids
from dispatcher.flags import flag, output_flags, settings_flags
from dispatcher.look import Look
from workers.contract import STEPS


@click.command()
@click.argument("run", shell_complete=run_ids)
@click.argument("asset", required=False, shell_complete=run_assets)
@flag("-f", "--follow", is_flag=True, help="Go on until the run is over.")
@flag("--step", type=click.Choice(STEPS), help="Only this step.")
@settings_flags
@output_flags
def command(
    *,
    run: str,
    asset: str | None,
    follow: bool,
    step: str | None,
    overrides: dict[str, Any],
    look: Look,
) -> int:
    """Print what ASSET wrote in RUN, or what all assets wrote; RUN may be `last`."""
    from dispatcher import fleets, log_text, lookup

    settings = fleets.load_settings(overrides)
    engine = fleets.catalog(settings)
    view = lookup.run(engine, run)
    reader = log_text.Reader(
        look.terminal, engine, view.id, asset or "", step or "", as_json=look.as_json
    )
    return reader.show(settings, follow=follow)
