"""The table of workers. Used by `fleet workers`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Engine

from catalog import runs
from catalog.workers import WorkerView
from dispatcher import tables
from dispatcher.terminal import Terminal
from dispatcher.words import ago

_OLD = 3600.0  # seconds after which a worker that is gone is of no interest
_LEASE = 20.0  # seconds without a beat after which a worker counts as lost


def recent(view: WorkerView) -> bool:
    """Whether the worker lives or went only lately."""
    embedded = view.info.fleet.startswith("embedded-")  # it ends with its command, and is no loss
    return view.silent < (_LEASE if embedded else _OLD)


def show(
    terminal: Terminal, views: Sequence[WorkerView], running: Mapping[str, Sequence[str]]
) -> None:
    """Print the table."""
    header = ["worker", "state", "slots", "queues", "pythons", "fleet", "running", "beat"]
    rows = [_row(view, running.get(view.info.name, ())) for view in views]
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


def state(view: WorkerView) -> str:
    """ready, left or lost."""
    if view.left_at:
        return "left"
    return "ready" if view.silent < _LEASE else "lost"


def _row(view: WorkerView, busy: Sequence[str]) -> list[str]:
    info, alive = view.info, state(view) == "ready"
    more = f" +{len(busy) - 1}" if len(busy) > 1 else ""
    return [
        info.name,
        state(view),
        f"{len(busy)}/{info.slots}" if alive else "-",
        ", ".join(info.queues),
        ", ".join(info.pythons) or "-",
        info.fleet,
        busy[0] + more if busy else "-",
        ago(view.silent),
    ]
