"""The table of workers. Used by `fleet workers`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine

from catalog import locks, runs
from dispatcher import tables
from dispatcher.terminal import Terminal
from dispatcher.words import ago

_OLD = 3600.0  # seconds after which a worker that is gone is of no interest
_LEASE = 20.0  # seconds without a beat after which a worker counts as lost


def recent(view: Any) -> bool:
    """Whether the worker lives or went only lately."""
    return bool(view.now - (view.left_at or view.beat_at) < _OLD)


def show(terminal: Terminal, views: Sequence[Any], running: Mapping[str, Sequence[str]]) -> None:
    """Print the table."""
    header = ["worker", "state", "slots", "queues", "pythons", "fleet", "running", "beat"]
    rows = [_row(view, running.get(view.name, ())) for view in views]
    tables.show(terminal, header, rows)


def running(engine: Engine) -> Mapping[str, list[str]]:
    """What runs on each worker now."""
    found: dict[str, list[str]] = defaultdict(list)
    for run in runs.recent(engine, 50):
        if run.ended_at is None:
            for step in runs.step_views(engine, run.id):
                if step.state == "running":
                    found[step.worker].append(f"{step.asset} ({run.id})")
    return found


def state(view: Any) -> str:
    """ready, left or lost."""
    if view.left_at:
        return "left"
    return "ready" if view.now - view.beat_at < _LEASE else "lost"


def _row(view: Any, busy: Sequence[str]) -> list[str]:
    alive = state(view) == "ready"
    more = f" +{len(busy) - 1}" if len(busy) > 1 else ""
    return [
        view.name,
        state(view),
        f"{len(busy)}/{view.slots}" if alive else "-",
        ", ".join(view.queues),
        ", ".join(view.pythons) or "-",
        view.fleet,
        busy[0] + more if busy else "-",
        ago(view.now - view.beat_at),
    ]


def held_locks(engine: Engine) -> list[str]:
    """Who holds which lock, in words."""
    return [f"{lock.name} by {lock.asset} ({lock.run_id})" for lock in locks.held(engine)]
