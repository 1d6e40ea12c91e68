"""`fleet validate`: every fault of a pipeline, or of all pipelines below a folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dispatcher.flags import Command, flag, output_flags
from dispatcher.look import Look
from dispatcher.run_flags import GoFlags

if TYPE_CHECKING:
    from dispatcher.preparing import Checked
    from dispatcher.target import Target
    from dispatcher.validating import Wishes


def _options(function: Command) -> Command:
    many: dict[str, Any] = {"multiple": True, "metavar": "TEXT"}
    for option in (
        flag("--fast", is_flag=True, help="Leave out the rules that take long."),
        flag("--exclude-warnings", is_flag=True, help="Errors only."),
        flag("-x", "--exclude-tag", help="No assets with this tag; repeatable.", **many),
        click.option(
            "-o",
            "--output",
            type=click.Choice(["plain", "json"]),
            default="plain",
            help="json prints what --json prints.",
        ),
        flag("--config-file", env=("BRUIN_CONFIG_FILE",), default="", help="Path of .bruin.yml."),
        flag("-e", "--environment", "--env", default="", help="Environment of .bruin.yml."),
        flag(
            "--secrets-backend",
            env=("BRUIN_SECRETS_BACKEND",),
            default="",
            metavar="TEXT",
            help="Connections are there: none is looked for in .bruin.yml.",
        ),
        flag("--variant", default="", help="Variant of the pipeline; all of them if not given."),
        click.option("--var", help="Variable as name=JSON or a JSON object; repeatable.", **many),
    ):
        function = option(function)
    return function


@click.command(cls=GoFlags)
@click.argument("target", nargs=-1)
@_options
@output_flags
def command(*, target: tuple[str, ...], output: str, look: Look, **flags: Any) -> int:
    """Find every fault in a pipeline's files, each with its place, its rule and a hint.

    TARGET is a pipeline's folder or file, an asset's file, or a folder with several pipelines.
    Nothing runs, and no connection is opened.
    """
    from dispatcher import validating

    found = validating.validated(_targets(target), _wishes(flags))
    errors = any(one.errors for one in found)
    if look.as_json or output == "json":
        from dispatcher import validate_json

        look.terminal.line(validate_json.document(found))
    else:
        _show(look, found)
    return 1 if errors else 0


def _show(look: Look, found: "list[Checked]") -> None:
    from dispatcher import fault_text

    for one in found:
        root = Path(one.pipeline.root)
        fault_text.show(look.terminal, one.faults, root, warnings=not look.quiet)
    faults = [fault for one in found for fault in one.faults]
    if faults and not look.quiet:
        look.terminal.note("")
    look.terminal.line(fault_text.count(faults, sum(one.assets for one in found)))


def _wishes(flags: dict[str, Any]) -> "Wishes":
    from dispatcher.validating import Wishes

    tags, warnings = flags.pop("exclude_tag"), not flags.pop("exclude_warnings")
    return Wishes(exclude_tags=tags, warnings=warnings, **flags)


def _targets(arguments: tuple[str, ...]) -> list["Target"]:
    from assets_parser import discovery
    from dispatcher import target

    folder = Path(arguments[0] if arguments else ".")
    several = len(arguments) < 2 and folder.is_dir() and not target.pipeline_file(folder)
    found = discovery.find_pipelines(folder.resolve()) if several else []
    if found:
        return [target.find([str(pipeline)]) for pipeline in found]
    return [target.find(arguments)]
