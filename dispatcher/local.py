"""The fleet that `fleet up` keeps on this host, found through FLEET_HOME/run/up.json (0600)."""

import fcntl
import hashlib
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher import embedded, flower, valkey
from dispatcher.files import read_private, write_private
from dispatcher.problems import FleetError
from dispatcher.processes import Identity, identify, spawn, stop
from workers.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

_PATIENCE = 60.0  # seconds within which a worker and Flower must have started, on a busy host too


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """What up.json says. `flower` holds url, user and password, or nothing."""

    fleet: str
    broker: str
    catalog: str
    storage: str
    slots: int
    started: float
    processes: Mapping[str, Identity]
    flower: Mapping[str, str]

    def alive(self) -> bool:
        """Whether its broker and its worker run."""
        return all(self.processes[name].alive() for name in ("valkey", "worker"))

    def serves(self, settings: Settings) -> bool:
        """Whether it uses the catalog and the storage that these settings name."""
        mine = (settings.catalog_url, str(settings.storage_path))
        return mine == (self.catalog, self.storage)

    def settings(self, settings: Settings) -> Settings:
        """The settings of someone who uses this fleet."""
        return replace(settings, broker=self.broker, results="", fleet=self.fleet, slots=self.slots)


def path(settings: Settings) -> Path:
    """Where the record of the fleet is."""
    return settings.run_dir / "up.json"


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Be the only command that starts a fleet here: one that waits finds what the other made."""
    settings.run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (settings.run_dir / "up.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def find(settings: Settings) -> Local | None:
    """The fleet that up.json names, alive or not."""
    data = read_private(path(settings))
    if not isinstance(data, dict):
        return None
    processes = {name: Identity(**known) for name, known in data.pop("processes").items()}
    return Local(processes=processes, **data)


def start(settings: Settings, *, with_flower: bool) -> Local:
    """Start Valkey, a worker and Flower, detached from this command and its terminal."""
    server = valkey.start(settings.run_dir / "up", bound=False)
    pids = {"valkey": server.process.pid}
    try:
        server.wait()
        own = replace(settings, broker=server.url, results="", fleet=_name(settings))
        log = settings.logs / "worker.log"
        worker = spawn(embedded.worker_argv(), embedded.worker_environ(own), log, bound=False)
        pids["worker"] = worker.pid
        page: Mapping[str, str] = {}
        if with_flower:
            page, pids["flower"] = flower.start(own, settings.logs / "flower.log")
        local = _local(own, pids, page)
        write_private(path(settings), _plain(local))
    except BaseException:  # also Ctrl-C: nobody else knows of them yet
        for pid in pids.values():
            identify(pid).send(signal.SIGKILL, group=True)
        raise
    return local


def wait(settings: Settings, local: Local, engine: "Engine") -> None:
    """Return when its worker works and Flower answers; FleetError if one ends or stays silent.

    Flower shows only what happens while it listens: a run that began before would be missing.
    """
    from catalog.workers import living  # only `fleet up` waits

    _await("worker", settings, local, lambda: bool(living(engine, local.fleet, settings.lease)))
    if local.flower:
        _await("flower", settings, local, lambda: flower.answers(local.flower))


def _await(name: str, settings: Settings, local: Local, ready: Callable[[], bool]) -> None:
    log = settings.logs / f"{name}.log"
    deadline = time.monotonic() + _PATIENCE
    while not ready():
        if not local.processes[name].alive():
            raise FleetError(f"the fleet's {name} ended while it started", hint=embedded.tail(log))
        if time.monotonic() > deadline:
            message = f"the fleet's {name} did not start within {_PATIENCE:.0f} s"
            raise FleetError(message, hint=f"see {log}; fleet down stops the fleet")
        time.sleep(0.05)


def _name(settings: Settings) -> str:
    """A name that no other host, and no other home on this host, gives to its fleet."""
    home = hashlib.sha256(str(settings.home).encode()).hexdigest()[:6]
    return f"up-{socket.gethostname()}-{home}"


def _local(own: Settings, pids: Mapping[str, int], page: Mapping[str, str]) -> Local:
    return Local(
        fleet=own.fleet,
        broker=own.broker,
        catalog=own.catalog_url,
        storage=str(own.storage_path),
        slots=own.slot_count,
        started=time.time(),
        processes={name: identify(pid) for name, pid in pids.items()},
        flower=page,
    )


def _plain(local: Local) -> dict[str, Any]:
    return asdict(local)


def end(settings: Settings, local: Local, *, grace: float) -> list[str]:
    """Stop the processes that are still these very ones; their names."""
    living = {name: process for name, process in local.processes.items() if process.alive()}
    if worker := living.get("worker"):
        # SIGTERM lets running assets end within the grace; then everything goes
        stop([worker], grace)
    for process in living.values():
        process.send(signal.SIGKILL, group=True)
    path(settings).unlink(missing_ok=True)
    return list(living)
