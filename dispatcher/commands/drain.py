"""`fleet drain`: let a worker end what it runs and take nothing new."""

import json
import time
from typing import Any

import click

from dispatcher.completion import workers as worker_names
from dispatcher.flags import flag, output_flags, settings_flags
from dispatcher.look import Look

_LOOK = 0.5  # seconds between two looks


@click.command()
@click.argument("worker", shell_complete=worker_names)
@flag("--wait", is_flag=True, help="Return once it runs nothing any more.")
@flag("--undo", is_flag=True, help="Let it take work again.")
@settings_flags
@output_flags
def command(*, worker: str, wait: bool, undo: bool, overrides: dict[str, Any], look: Look) -> None:
    """Let a worker end what it runs and take nothing new; it stays, idle, until it is stopped.

    A worker that is started anew takes work again.
    """
    from catalog import workers
    from dispatcher import fleets, worker_text
    from dispatcher.problems import FleetError, nearest

    settings = fleets.load_settings(overrides)
    engine = fleets.catalog(settings)
    if not workers.drain(engine, worker, undo=undo):
        names = [view.info.name for view in workers.all_workers(engine) if not view.left_at]
        hint = nearest(worker, names) or "fleet workers lists them"
        raise FleetError(f"no worker '{worker}' is here", hint=hint)
    while True:
        (seen,) = (one for one in worker_text.seen(engine, settings.lease) if one.name == worker)
        if undo or not wait or not seen.running or seen.state in ("left", "lost"):
            break
        time.sleep(_LOOK)
    if look.as_json:
        look.terminal.line(json.dumps({"v": 1, "worker": seen.as_json()}, default=str))
    else:
        look.terminal.line(_words(worker, seen.state, len(seen.running), undo=undo))


def _words(worker: str, state: str, running: int, *, undo: bool) -> str:
    if undo:
        return f"worker {worker} takes work again"
    if state == "lost":
        return f"worker {worker} does not answer: what it ran goes to others when its lease is over"
    rest = "it runs nothing" if not running else f"it still runs {running}"
    return f"worker {worker} takes nothing new, {rest}; fleet drain --undo {worker} takes it back"
