"""`fleet lineage`: what feeds an asset, and what it feeds."""

import os
from typing import TYPE_CHECKING

import click

from dispatcher.completion import assets
from dispatcher.flags import flag, output_flags
from dispatcher.look import Look
from dispatcher.problems import FleetError, Refused

if TYPE_CHECKING:
    from assets_parser.model import Asset, Pipeline
    from dispatcher.target import Target


@click.command()
@click.argument("target", nargs=-1, required=True, shell_complete=assets)
@click.option("--columns", is_flag=True, help="Also where each column comes from.")
@click.option("--full", is_flag=True, help="All levels instead of the next one.")
@click.option("--downstream", is_flag=True, help="Only what depends on the asset.")
@click.option("--upstream", is_flag=True, help="Only what the asset depends on.")
@click.option("--var", multiple=True, metavar="TEXT", help="Variable as name=JSON; repeatable.")
@flag("--variant", default="", help="Variant of the pipeline.")
@click.option("-o", "--output", type=click.Choice(["plain", "json"]), default="plain")
@output_flags
def command(
    *,
    target: tuple[str, ...],
    columns: bool,
    full: bool,
    downstream: bool,
    upstream: bool,
    var: tuple[str, ...],
    variant: str,
    output: str,
    look: Look,
) -> int:
    """Show what an asset depends on and what depends on it; nothing is run.

    TARGET is an asset's file, or its name behind its pipeline's folder. What it declares counts,
    and what its SQL reads.
    """
    from assets_parser import variables
    from dispatcher import lineage_text, preparing
    from dispatcher.target import find

    aim = find(target)
    if len(aim.assets) != 1:
        raise FleetError("fleet lineage takes one asset", hint="its file, or FOLDER NAME")
    checked = preparing.check(aim, variant=variant, var=var, rules=False)
    if checked.errors:
        look.terminal.note("note: what cannot be read is missing here; fleet validate names it")
    pipeline = checked.pipeline
    asset = _asset(look, pipeline, aim)
    given = variables.parse(var, pipeline, os.environ)
    found = lineage_text.lineage(pipeline, given, variant)
    both = upstream == downstream
    wish = lineage_text.Wish(
        full=full, up=upstream or both, down=downstream or both, columns=columns
    )
    if look.as_json or output == "json":
        look.terminal.line(lineage_text.document(found, asset, wish))
    else:
        lineage_text.show(look.terminal, found, asset, wish)
    return 0


def _asset(look: Look, pipeline: "Pipeline", aim: "Target") -> "Asset":
    from assets_parser import naming
    from dispatcher import fault_text

    try:
        return naming.find(pipeline, aim.assets[0], str(aim.base))
    except naming.SelectionError as error:
        fault_text.show(look.terminal, error.faults, aim.base)
        raise Refused("there is no such asset") from error
