"""`fleet init`: a small project that runs at once."""

import json
import shlex
from pathlib import Path

import click

from dispatcher.flags import output_flags
from dispatcher.look import Look
from dispatcher.problems import FleetError


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--git/--no-git", default=True, envvar="FLEET_GIT", help="Also make it a repository.")
@output_flags
def command(*, folder: Path, git: bool, look: Look) -> None:
    """Write a small project into FOLDER that runs at once. Nothing is ever overwritten."""
    from dispatcher import starter

    taken = [name for name in starter.FILES if (folder / name).exists()]
    if taken:
        raise FleetError(f"{folder} already holds {taken[0]}", hint="name a new folder")
    for path in (written := list(starter.write(folder, repository=git))):
        if not (look.quiet or look.as_json):
            look.terminal.line(f"  {look.terminal.sign('succeeded')} {path}")
    if look.as_json:
        facts = {"folder": str(folder), "files": [str(path) for path in written]}
        look.terminal.line(json.dumps({"v": 1} | facts))
    else:
        look.terminal.line(f"next  fleet run {shlex.quote(str(folder))}")
