"""The table of workers. Used by `fleet workers`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine

from catalog import holders, workers
from catalog.workers import WorkerView
from dispatcher import tables
from dispatcher.terminal import Terminal
from dispatcher.words import ago

_OLD = 3600.0  # seconds after which a worker that is gone is of no interest


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A worker as people see it: its state in a word, and the assets that it runs now."""

    view: WorkerView
    state: str
    running: tuple[str, ...]

    @property
    def name(self) -> str:
        """Of the worker."""
        return self.view.info.name

    @property
    def lives(self) -> bool:
        """Whether it was heard of lately."""
        return self.state in ("ready", "draining")

    @property
    def recent(self) -> bool:
        """Whether it lives or went only lately; an embedded one ends with its command."""
        embedded = self.view.info.fleet.startswith("embedded-")
        return self.lives or (self.view.silent < _OLD and not embedded)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self.view) | {"state": self.state, "running": list(self.running)}


def seen(engine: Engine, lease: float) -> list[Seen]:
    """All workers; one that was silent for `lease` seconds counts as lost."""
    return [
        Seen(view=view, state=_state(view, lease), running=_running(engine, view.info.name))
        for view in workers.all_workers(engine)
    ]


def show(terminal: Terminal, found: Sequence[Seen]) -> None:
    """Print the table."""
    header = ["worker", "state", "slots", "queues", "pythons", "fleet", "running", "beat"]
    tables.show(terminal, header, [_row(worker) for worker in found])


def _state(view: WorkerView, lease: float) -> str:
    if view.left_at:
        return "left"
    if view.silent >= lease:
        return "lost"
    return "draining" if view.drain_at else "ready"


def _running(engine: Engine, worker: str) -> tuple[str, ...]:
    return tuple(f"{held.asset} ({held.run_id})" for _, held in holders.held_by(engine, worker))


def _row(worker: Seen) -> list[str]:
    info, busy = worker.view.info, worker.running
    more = f" +{len(busy) - 1}" if len(busy) > 1 else ""
    return [
        info.name,
        worker.state,
        f"{len(busy)}/{info.slots}" if worker.lives else "-",
        ", ".join(info.queues),
        ", ".join(info.pythons) or "-",
        info.fleet,
        busy[0] + more if busy else "-",
        ago(worker.view.silent),
    ]
