"""`fleet completion`: the script that teaches a shell our verbs, assets and runs."""

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from dispatcher.problems import FleetError

_HOW = {
    "bash": '# for good: eval "$(fleet completion bash)" in ~/.bashrc',
    "zsh": '# for good: eval "$(fleet completion zsh)" in ~/.zshrc',
    "fish": "# for good: fleet completion fish > ~/.config/fish/completions/fleet.fish",
}


@click.command()
@click.argument("shell", required=False, type=click.Choice(sorted(_HOW)))
@click.pass_context
def command(ctx: click.Context, shell: str | None) -> None:
    """Print the completion script for SHELL, or for the shell that $SHELL names."""
    chosen = shell or Path(os.environ.get("SHELL", "")).name
    kind = get_completion_class(chosen)
    if chosen not in _HOW or kind is None:
        raise FleetError(f"no completion for '{chosen}'", hint=f"name one of {', '.join(_HOW)}")
    root = ctx.find_root().command
    click.echo(_HOW[chosen])
    click.echo(kind(root, {}, "fleet", "_FLEET_COMPLETE").source())
