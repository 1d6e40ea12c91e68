"""Bare Celery: one chord of tasks that do nothing after the other, on a Valkey of their own.

`python -m benchmarks.chords LEVELS WIDE` is both the client and, as its child, the worker. It
prints the seconds from the first message to the end of the last chord.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from celery import Celery, chord

from dispatcher import valkey

URL = "BENCH_BROKER"
_url = os.environ.get(URL)
app = Celery("bare", broker=_url, backend=_url)  # type: ignore[no-untyped-call]
app.conf.update(
    worker_prefetch_multiplier=1,
    task_acks_late=True,
    worker_max_tasks_per_child=500,
    broker_connection_retry_on_startup=True,
)


@app.task(name="bare.nothing")  # type: ignore[untyped-decorator, no-untyped-call]
def nothing() -> None:
    """What each asset does."""


@app.task(name="bare.advance", bind=True)  # type: ignore[untyped-decorator, no-untyped-call]
def advance(task: Any, _: Any, levels: int, wide: int, done: str) -> None:
    """Publish the next chord, or say that it is over."""
    if not levels:
        Path(done).touch()
        return
    header = [nothing.si() for _ in range(wide)]
    chord(header)(advance.s(levels - 1, wide, done))  # type: ignore[no-untyped-call]


def main(levels: int, wide: int) -> None:
    """Start a server and a worker, measure, end both."""
    with tempfile.TemporaryDirectory(prefix="fleet-chords-") as name:
        server = valkey.start(Path(name) / "valkey", bound=True)
        server.wait()
        environ = {**os.environ, URL: server.url}
        words = [sys.executable, "-m", "celery", "-A", "benchmarks.chords", "worker", "-c", "2"]
        words += ["--without-mingle", "--without-gossip", "-l", "ERROR"]
        worker = subprocess.Popen(words, env=environ, stdout=subprocess.DEVNULL)
        try:
            app.conf.update(broker_url=server.url, result_backend=server.url)
            print(_timed(1, 1, Path(name) / "warm") and _timed(levels, wide, Path(name) / "over"))
        finally:
            worker.kill()
            server.process.kill()


def _timed(levels: int, wide: int, done: Path) -> float:
    start = time.perf_counter()
    advance.delay(None, levels, wide, str(done))
    while not done.exists():
        time.sleep(0.005)
    return time.perf_counter() - start


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
