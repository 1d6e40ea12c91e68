"""`fleet init`: a small project that runs at once."""

import shlex
from pathlib import Path

import click

from dispatcher.flags import output_flags
from dispatcher.problems import FleetError
from dispatcher.terminal import Terminal


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--git/--no-git", default=True, envvar="FLEET_GIT", help="Also make it a repository.")
@output_flags
def command(
    folder: Path, git: bool, terminal: Terminal, as_json: bool, quiet: bool, verbose: bool
) -> None:
    """Write a small project into FOLDER that runs at once. Nothing is ever overwritten."""
    from dispatcher import starter

    taken = [name for name in starter.FILES if (folder / name).exists()]
    if taken:
        raise FleetError(f"{folder} already holds {taken[0]}", hint="name a new folder")
    for path in starter.write(folder, repository=git):
        if not quiet:
            terminal.line(f"  {terminal.sign('succeeded')} {path}")
    terminal.line(f"next  fleet run {shlex.quote(str(folder))}")
