"""The table of workers. Used by `fleet workers`."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine

from catalog import work, workers
from catalog.work import Work
from catalog.workers import WorkerView
from dispatcher import tables
from dispatcher.terminal import Terminal
from dispatcher.words import ago, duration, size, some
from workers import weights

_WHO = ("worker", "host", "state")
_OLD = 3600.0  # seconds after which a worker that is gone is of no interest


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A worker as people see it: its state in a word, and the steps that it runs now."""

    view: WorkerView
    state: str
    work: tuple[Work, ...] = ()

    @property
    def name(self) -> str:
        """Of the worker."""
        return self.view.info.name

    @property
    def running(self) -> tuple[str, ...]:
        """The assets that it runs now."""
        return tuple(f"{one.asset} ({one.run_id})" for one in self.work)

    @property
    def used(self) -> int:
        """The slots that these take."""
        known = self.view.info.info.get("weights", {})
        return sum(weights.of_step(known, one.instance, one.step) for one in self.work)

    @property
    def envs(self) -> Sequence[dict[str, Any]]:
        """Its environments, most recently used first: key, bytes, used_at, hits."""
        found: Sequence[dict[str, Any]] = self.view.info.info.get("envs", ())
        return found

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
        own = {"state": self.state, "running": list(self.running), "used": self.used}
        return asdict(self.view) | own | {"work": [asdict(one) for one in self.work]}


def seen(engine: Engine, lease: float) -> list[Seen]:
    """All workers; one that was silent for `lease` seconds counts as lost."""
    going_on = work.going_on(engine)
    return [
        Seen(view=view, state=_state(view, lease), work=tuple(going_on.get(view.info.name, ())))
        for view in workers.all_workers(engine)
    ]


def show(terminal: Terminal, found: Sequence[Seen], *, verbose: bool = False) -> None:
    """Print the table; `verbose` adds each step that runs, and each environment."""
    header = [*_WHO, "slots", "queues", "pythons", "envs", "running", "beat", "fleet"]
    lines = tables.render(header, [_row(worker) for worker in found])
    terminal.line(terminal.cut(lines[0]))
    for worker, line in zip(found, lines[1:], strict=True):
        terminal.line(terminal.cut(line))
        for more in _more(worker) if verbose else ():
            terminal.line(f"      {more}")


def _state(view: WorkerView, lease: float) -> str:
    if view.left_at:
        return "left"
    if view.silent >= lease:
        return "lost"
    return "draining" if view.drain_at else "ready"


def _row(worker: Seen) -> list[str]:
    info = worker.view.info
    return [
        info.name,
        info.host,
        worker.state,
        f"{worker.used}/{info.slots}" if worker.lives else "-",
        ", ".join(info.queues),
        _pythons(info.pythons),
        _envs(worker),
        _runs(worker),
        ago(worker.view.silent),
        info.fleet,
    ]


def _pythons(versions: Sequence[str]) -> str:
    """`3.9-3.12, 3.14`: what follows on one another is a range."""
    ranges: list[list[str]] = []
    for version in versions:
        major, _, minor = version.rpartition(".")
        before = f"{major}.{int(minor) - 1}" if minor.isdigit() else ""
        if ranges and ranges[-1][-1] == before:
            ranges[-1].append(version)
        else:
            ranges.append([version])
    return ", ".join("-".join(dict.fromkeys((one[0], one[-1]))) for one in ranges) or "-"


def _envs(worker: Seen) -> str:
    """`3, 1.2 GiB`."""
    total = sum(env["bytes"] for env in worker.envs)
    return f"{len(worker.envs)}, {size(total)}" if worker.envs else "-"


def _runs(worker: Seen) -> str:
    """`raw.orders load 12s +1`, the one that runs longest."""
    if not worker.work:
        return "-"
    first, more = worker.work[0], len(worker.work) - 1
    return f"{first.asset} {first.step} {duration(first.seconds)}" + (f" +{more}" if more else "")


def _more(worker: Seen) -> Iterator[str]:
    info = worker.view.info
    yield f"fleet {info.version}, contract {info.contract}, pid {info.pid}, {_platform(worker)}"
    if known := info.info.get("weights"):
        yield "weights " + ", ".join(f"{name} {weight}" for name, weight in known.items())
    for one in worker.work:
        yield (
            f"runs {one.asset} {one.step} of run {one.run_id} for {duration(one.seconds)},"
            f" attempt {one.attempt}, pid {one.pid}"
        )
    for env in worker.envs:
        yield f"env {env['key']}  {size(env['bytes'])}  used {some(env['hits'], 'time')}"


def _platform(worker: Seen) -> str:
    return str(worker.view.info.info.get("platform", "unknown platform"))
