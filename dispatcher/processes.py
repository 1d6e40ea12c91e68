"""Processes of this host, known for sure: by id, start and boot, so that no reused id is hit.

Used by embedded fleets, `fleet up`, `fleet down`.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One process of one boot. `started` is in clock ticks on Linux, in text elsewhere."""

    pid: int
    started: str
    boot: str

    def alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        return self.boot == boot_id() and bool(self.started) and _started(self.pid) == self.started

    def send(self, number: int, *, group: bool = False) -> bool:
        """Send a signal, to its process group if asked; False if the process is gone."""
        if not self.alive():
            return False
        with contextlib.suppress(ProcessLookupError, PermissionError):
            (os.killpg if group else os.kill)(self.pid, number)
            return True
        return False


def identify(pid: int) -> Identity:
    """The identity of a process that runs now."""
    return Identity(pid=pid, started=_started(pid), boot=boot_id())


def boot_id() -> str:
    """Something that changes with every boot of this host."""
    if _BOOT.exists():
        return _BOOT.read_text().strip()
    import psutil

    return str(int(psutil.boot_time()))


def _started(pid: int) -> str:
    """When the process started, or empty text if there is none (or only a zombie)."""
    stat = Path(f"/proc/{pid}/stat")
    if _BOOT.exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else fields[19]
    return _started_elsewhere(pid)


def _started_elsewhere(pid: int) -> str:
    import psutil

    try:
        process = psutil.Process(pid)
        gone = process.status() == psutil.STATUS_ZOMBIE
        return "" if gone else f"{process.create_time():.2f}"
    except psutil.NoSuchProcess:
        return ""


def spawn(
    argv: Sequence[str],
    environ: Mapping[str, str],
    log: Path,
    *,
    bound: bool,
    stdin: int | IO[Any] = subprocess.DEVNULL,
    keep: Sequence[int] = (),
) -> "subprocess.Popen[bytes]":
    """Start a server process in a session of its own, its output in `log`.

    `bound` ties its life to ours where the kernel can do that. Call it from the main thread: the
    kernel watches the thread that forked. `keep` are file descriptors that it inherits.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            list(argv),
            env=dict(environ),
            cwd="/",
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=tuple(keep),
            preexec_fn=_die_with_parent if bound and sys.platform == "linux" else None,  # noqa: PLW1509 - one thread only
        )


def _die_with_parent() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def stop(processes: Sequence[Identity], grace: float) -> None:
    """End processes: ask, wait up to `grace` seconds for all, then kill their groups."""
    for process in processes:
        process.send(signal.SIGTERM)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline and any(process.alive() for process in processes):
        time.sleep(0.05)
    for process in processes:
        process.send(signal.SIGKILL, group=True)
