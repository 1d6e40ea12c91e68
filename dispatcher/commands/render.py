"""`fleet render`: the SQL that a run would send."""

from dataclasses import replace
from typing import Any

import click

from dispatcher.completion import assets
from dispatcher.flags import output_flags, settings_flags
from dispatcher.look import Look
from dispatcher.run_flags import GoFlags, RunFlags, run_flags


@click.command(cls=GoFlags)
@click.argument("target", nargs=-1, shell_complete=assets)
@click.option("--raw-query", is_flag=True, help="The query alone, without its materialization.")
@click.option("-o", "--output", type=click.Choice(["plain", "json"]), default="plain")
@output_flags
@run_flags
@settings_flags
def command(
    *,
    target: tuple[str, ...],
    raw_query: bool,
    output: str,
    flags: RunFlags,
    overrides: dict[str, Any],
    look: Look,
) -> int:
    """Print the SQL that a run would send for an asset, without sending it.

    TARGET is an asset's file or name, or a pipeline. Takes the flags of `run`. What only the
    database knows is taken as declared: the table exists and has the columns of the definition.
    """
    from dispatcher import fleets, render_text, running
    from dispatcher.problems import Refused
    from dispatcher.target import find

    aim = find(target)
    settings = fleets.load_settings(overrides, running.project(aim))
    draft = replace(flags, no_validation=True)  # what is wrong elsewhere is no matter here
    request = running.Request(target=target, flags=draft, overrides=overrides, look=look)
    prepared = running.prepare(request, aim, settings)
    if prepared.plan.faults:
        raise Refused("a template cannot be rendered")
    found = render_text.rendered(prepared)
    if look.as_json or output == "json":
        look.terminal.line(render_text.document(found))
    else:
        look.terminal.line(render_text.text(found, raw=raw_query))
    return 0
