"""Timing whole commands: wall seconds, medians, and the memory of a process at its peak."""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

LOOK = 0.05  # seconds between two looks at the memory
BUSY = 20.0  # percent of all cores that others may use when a measurement begins


class Broken(Exception):
    """A measured command failed or left wrong results, so its time means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Medians:
    """Medians of one work and of its baseline, in seconds; all the single times beside them."""

    work: Sequence[float]
    base: Sequence[float]

    @property
    def seconds(self) -> float:
        """The work's median."""
        return statistics.median(self.work)

    @property
    def baseline(self) -> float:
        """The baseline's median."""
        return statistics.median(self.base)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How often to measure, and for how many seconds to wait each time for others to be quiet."""

    times: int
    patience: float = 0.0


def alternately(work: Callable[[], object], base: Callable[[], object], manner: Manner) -> Medians:
    """Each so many times, by turns, so that a noisy minute hits both; one more before, to warm."""
    work()
    base()
    patience = manner.patience
    pairs = [(seconds(work, patience), seconds(base, patience)) for _ in range(manner.times)]
    return Medians(work=[pair[0] for pair in pairs], base=[pair[1] for pair in pairs])


def seconds(work: Callable[[], object], patience: float = 0.0) -> float:
    """Wall seconds of one call, made when the machine is quiet or `patience` is over."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and psutil.cpu_percent(interval=1.0) > BUSY:
        continue
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def command(argv: Sequence[str | Path], *, cwd: Path, environ: Mapping[str, str]) -> str:
    """Run one command to its end; what it printed. Broken if it failed."""
    done = subprocess.run(
        [str(word) for word in argv],
        cwd=cwd,
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    output = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        shown = " ".join(str(word)[:80] for word in argv)
        raise Broken(f"{shown} ended with {done.returncode}:\n{output[-3000:]}")
    return output


class Memory:
    """The largest resident size, in bytes, of one process whose command line holds `text`."""

    def __init__(self, text: str) -> None:
        self.peak = 0
        self._text = text
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(LOOK):
            self.peak = max([self.peak, *self._sizes()])

    def _sizes(self) -> Iterator[int]:
        for process in psutil.process_iter(["cmdline", "memory_info"]):
            words, memory = process.info["cmdline"], process.info["memory_info"]
            if memory and any(self._text in word for word in words or []):
                yield int(memory.rss)


def environment(home: Path) -> dict[str, str]:
    """As a user has it: an own FLEET_HOME, and bytecode is written."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FLEET_", "BRUIN_"))}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return kept | {"FLEET_HOME": str(home)}
