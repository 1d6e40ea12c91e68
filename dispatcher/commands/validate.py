"""`fleet validate`: every fault of a pipeline, or of all pipelines below a folder."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dispatcher.flags import flag, output_flags
from dispatcher.look import Look

if TYPE_CHECKING:
    from dispatcher.target import Target


@click.command()
@click.argument("target", nargs=-1)
@flag("--variant", default="", help="Variant of the pipeline.")
@output_flags
def command(*, target: tuple[str, ...], variant: str, look: Look) -> int:
    """Find every fault in a pipeline's files, each with its place, its rule and a hint.

    TARGET is a pipeline's folder or file, or a folder with several pipelines.
    """
    from dispatcher import fault_text, preparing

    checked = [preparing.check(aim, variant=variant) for aim in _targets(target)]
    faults = [fault for one in checked for fault in one.faults]
    errors = sum(one.errors for one in checked)
    if look.as_json:
        look.terminal.line(json.dumps({"v": 1, "faults": [asdict(fault) for fault in faults]}))
        return 1 if errors else 0
    for one in checked:
        fault_text.show(look.terminal, one.faults, Path(one.pipeline.root))
    if faults:
        look.terminal.note("")
    count = sum(len(one.pipeline.assets) for one in checked)
    look.terminal.line(fault_text.count(faults, count))
    return 1 if errors else 0


def _targets(arguments: tuple[str, ...]) -> list["Target"]:
    from assets_parser import discovery
    from dispatcher import target

    folder = Path(arguments[0] if arguments else ".")
    several = len(arguments) < 2 and folder.is_dir() and not target.pipeline_file(folder)
    found = discovery.find_pipelines(folder.resolve()) if several else []
    if found:
        return [target.find([str(pipeline)]) for pipeline in found]
    return [target.find(arguments)]
