"""`fleet worker`: become a worker process of the fleet."""

import os
from typing import Any

import click

from dispatcher.embedded import worker_argv, worker_environ
from dispatcher.flags import flag, settings_flags
from dispatcher.fleets import load_settings, place, require
from dispatcher.words import some
from workers.main import FOREGROUND
from workers.settings import Settings


@click.command()
@settings_flags
@flag("--slots", type=click.IntRange(1), help="Assets at a time; as many as cores if not given.")
@flag("--queues", metavar="A,B", help="Queues to take work from: instances, `fleet`, or * for all.")
@flag("--weights", metavar="A=2,B=4", help="Slots that an asset takes, by its instance.")
@flag("--name", metavar="TEXT", help="Name of this worker.")
@flag("--connections", metavar="FILE", help="The .bruin.yml with this worker's connections.")
def command(overrides: dict[str, Any], **given: Any) -> None:
    """Be a worker of the fleet on this host, until stopped.

    Ctrl-C or SIGTERM lets running assets end; a second one stops them.
    """
    given["worker"] = given.pop("name")
    chosen = {name: value for name, value in given.items() if value is not None}
    settings = _with(require(load_settings(overrides | chosen)).settings, chosen)
    click.echo(_identity(settings), err=True)
    argv = worker_argv()
    os.chdir("/")  # assets run in their own folders; ours must not keep a file system busy
    os.execve(argv[0], argv, worker_environ(settings) | {FOREGROUND: "1"})  # noqa: S606 - no address in argv


def _identity(settings: Settings) -> str:
    """Which fleet this worker joins; its own log says the rest."""
    fleet = f"fleet {settings.fleet} at {place(settings.broker)}"
    return f"worker · {fleet} · {some(settings.slot_count, 'slot')} · logs in {settings.logs}"


def _with(settings: Settings, chosen: dict[str, Any]) -> Settings:
    """Flags win over what the fleet that is up says."""
    from dataclasses import replace

    own = {k: v for k, v in chosen.items() if k == "slots"}
    return replace(settings, **own)
