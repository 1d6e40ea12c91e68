"""A fleet for one run: Valkey and one worker, started with the command and gone with it.

Used by `fleet run` when no broker is configured and no fleet is up. The worker holds one end of a
pipe whose other end is ours: when we die, however that is, it notices and ends.
"""

import contextlib
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dispatcher import valkey
from dispatcher.files import read_private, write_private
from dispatcher.problems import FleetError
from dispatcher.processes import Identity, identify, spawn
from workers.settings import Settings

LIFELINE = "FLEET_LIFELINE_FD"  # holds the number of the worker's end of the pipe
_ABSENT = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME")


@dataclass(slots=True)
class Embedded:
    """The processes of one embedded fleet."""

    settings: Settings
    server: valkey.Server
    worker: "WorkerProcess"
    folder: Path
    killed: bool = False
    owes: bool = False  # the catalog may have a run of it that goes on, by what is written there

    def check(self) -> None:
        """FleetError if the worker or the server ended by itself."""
        for process, name in ((self.worker.process, "worker"), (self.server.process, "valkey")):
            if process.poll() is not None:
                raise FleetError(
                    f"the embedded fleet's {name} ended (exit {process.returncode})",
                    hint=tail(self.folder / f"{name}.log"),
                )

    def kill(self) -> None:
        """End everything at once: what counts is in the catalog already."""
        if self.killed:
            return
        self.killed = True
        os.close(self.worker.lifeline)
        for process in (self.worker.process, self.server.process):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def close(self, *, keep_logs: bool = False) -> None:
        """End it and forget it, unless it owes something: then the next command sees to that."""
        self.kill()
        if self.owes:
            return
        _record_path(self.settings).unlink(missing_ok=True)
        if not keep_logs:
            shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(slots=True)
class WorkerProcess:
    """A worker that runs in a process of its own, and our end of its lifeline."""

    process: Any
    lifeline: int


def start(settings: Settings) -> Embedded:
    """Start Valkey and a worker; both are still starting when this returns (about 20 ms)."""
    name = f"embedded-{secrets.token_hex(4)}"
    folder = settings.run_dir / name
    server = valkey.start(folder, bound=True)
    own = replace(settings, broker=server.url, results="", fleet=name, worker=name)
    worker = start_worker(own, folder / "worker.log")
    pids = {"worker": worker.process.pid, "valkey": server.process.pid}
    _write_record(own, pids)
    return Embedded(own, server, worker, folder)


def start_worker(settings: Settings, log: Path) -> WorkerProcess:
    """Start a worker that ends when we do."""
    theirs, ours = os.pipe()
    environ = worker_environ(settings) | {LIFELINE: str(theirs)}
    try:
        process = spawn(worker_argv(), environ, log, bound=True, keep=(theirs,))
    finally:
        os.close(theirs)
    return WorkerProcess(process, ours)


def worker_argv() -> list[str]:
    """The command of a worker; -P keeps the current folder out of its imports."""
    return [sys.executable, "-P", "-m", "workers.main"]


def worker_environ(settings: Settings) -> dict[str, str]:
    """Our environment with the settings in it: addresses travel here, never in argv."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("FLEET_") and k not in _ABSENT}
    return kept | settings.as_environ()


def _record_path(settings: Settings) -> Path:
    return settings.run_dir / f"{settings.fleet}.json"


def _write_record(settings: Settings, pids: Mapping[str, int]) -> None:
    owner = asdict(identify(os.getpid()))
    processes = {name: asdict(identify(pid)) for name, pid in pids.items()}
    record = {"fleet": settings.fleet, "owner": owner, "processes": processes}
    write_private(_record_path(settings), record)


def dead(settings: Settings) -> list[str]:
    """End what embedded fleets left behind whose command is gone; the names of those fleets."""
    return [_bury(path, record) for path, record in _orphans(settings)]


def _orphans(settings: Settings) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for path in sorted(settings.run_dir.glob("embedded-*.json")):
        record = read_private(path)
        if record and not Identity(**record["owner"]).alive():
            yield path, record


def _bury(path: Path, record: Mapping[str, Any]) -> str:
    for process in record["processes"].values():
        Identity(**process).send(signal.SIGKILL, group=True)
    return str(record["fleet"])


def forget(settings: Settings, fleets: Sequence[str]) -> None:
    """Remove the records of dead fleets, once the catalog knows that their runs are over."""
    for name in fleets:
        shutil.rmtree(settings.run_dir / name, ignore_errors=True)
        (settings.run_dir / f"{name}.json").unlink(missing_ok=True)


def tail(log: Path) -> str:
    """The last lines of a log, as a hint."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n      ".join(lines[-8:]) or f"it said nothing; see {log}"
