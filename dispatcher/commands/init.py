"""`fleet init`: a small project that runs at once."""

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
    for path in starter.write(folder, repository=git):
        if not look.quiet:
            look.terminal.line(f"  {look.terminal.sign('succeeded')} {path}")
    look.terminal.line(f"next  fleet run {shlex.quote(str(folder))}")
