"""A DuckDB process that is kept from one asset to the next; workers.sql_session uses it.

Each thread of a worker that runs steps has one (`mine()`). Starting it costs 0.2 s, an asset then
next to nothing. Why a process: SQL names files relative to a working directory of its own, and
DuckDB may crash or fill the memory.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workers import process_environment, pulse
from workers.errors import StepFailed
from workers.framing import exactly
from workers.guard import WATCH, Guard

PROGRAM = Path(__file__).with_name("duckdb_child.py")
LARGE = 1 << 30  # bytes; a process that has held more is not kept
TICKS = 5  # within the lease
CLOSING = 60.0  # seconds to write what is committed to its place; it is safe before that


class DuckdbFailed(Exception):
    """DuckDB refused; the text is its reason."""


class DuckdbProcess:
    """The child and the socket to it. Not to be shared by threads."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._sock: socket.socket | None = None
        self._owner = os.getpid()
        self._lease, self._grace, self._ticked, self._beat = 0.0, 0.0, 0.0, 0.0

    def open(self, order: Mapping[str, Any], guard: Guard, *, lease: float, grace: float) -> None:
        """Open a database; DuckdbFailed if it cannot be. `lease` and `grace` are seconds."""
        self._lease, self._grace = lease, grace
        self._start()
        self.ask({"do": "open", "lease": lease, **order}, guard)

    def ask(self, order: Mapping[str, Any], guard: Guard) -> dict[str, Any]:
        """The answer to an order; DuckdbFailed, or StepFailed for a stop, a time limit, a crash."""
        guard.check()
        self._refuse_late()
        self._send(order)
        while (answer := self._answer(WATCH)) is None:
            self._tick()
            try:
                guard.check()
            except StepFailed:
                with contextlib.suppress(StepFailed):  # why it is ended counts
                    self._interrupt()
                raise
        guard.check()  # an interrupted query is no error of its own
        if "error" in answer:
            raise DuckdbFailed(answer["error"])
        return answer

    @property
    def alive(self) -> bool:
        """Whether the child is there."""
        return self._sock is not None

    def release(self) -> None:
        """Close the database, so that others may have the file; end a child that cannot."""
        if self._sock is None:
            return
        try:
            self._send({"do": "close"})
            answer = self._wait(CLOSING)
        except StepFailed:
            answer = None
        # an answer to an earlier order has no "rss": whoever asks next would get the wrong one
        if answer is None or answer.get("rss", LARGE + 1) > LARGE:
            self.end()

    def end(self) -> None:
        """End the child, whatever it does; DuckDB undoes what was not committed."""
        child, sock, self._child, self._sock = self._child, self._sock, None, None
        if sock is not None:
            sock.close()
        if child is not None and self._owner == os.getpid():
            child.kill()
            child.wait()

    def _start(self) -> None:
        if self._owner != os.getpid():  # forked: the child is the parent's
            self._child, self._sock, self._owner = None, None, os.getpid()
        if self._child is not None and self._child.poll() is None:
            return
        self.end()
        ours, theirs = socket.socketpair()
        with theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-I", str(PROGRAM), str(theirs.fileno())],
                env={**process_environment.inherited(os.environ), "TZ": "UTC"},  # on every host
                pass_fds=[theirs.fileno()],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._sock = ours

    def _interrupt(self) -> None:
        """Ask the query to end, and end the child if it does not."""
        self._send({"do": "interrupt"})
        if self._wait(self._grace) is None:
            self.end()

    def _wait(self, seconds: float) -> dict[str, Any] | None:
        deadline = time.monotonic() + seconds
        while (answer := self._answer(WATCH)) is None and time.monotonic() < deadline:
            self._tick()
        return answer

    def _tick(self) -> None:
        """The child lives as long as the claim is known to stand, and no longer."""
        beats = pulse.mine()
        late = time.monotonic() - self._ticked > self._lease / TICKS
        if beats.beat > self._beat if beats is not None else late:
            self._send({"do": "tick"})

    def _refuse_late(self) -> None:
        """None of the step's orders may come from one that is somebody else's by now."""
        beats = pulse.mine()
        if beats is not None and beats.gone:
            self.end()
            raise StepFailed("lost", "the claim on this step was not renewed in time")

    def _send(self, message: Mapping[str, Any]) -> None:
        beats = pulse.mine()
        self._ticked = time.monotonic()
        self._beat = beats.beat if beats is not None else pulse.clock()
        body = json.dumps({**message, "at": self._beat}).encode()
        with contextlib.suppress(OSError):  # its end is noticed while reading
            if self._sock is not None:
                self._sock.sendall(len(body).to_bytes(4, "big") + body)

    def _answer(self, seconds: float) -> dict[str, Any] | None:
        """The child's next message; None if none came. StepFailed if the child is gone."""
        if self._sock is None:
            raise StepFailed("query", "DuckDB's process is gone")
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        if not poll.poll(seconds * 1000):
            return None
        header = exactly(self._sock, 4)
        body = exactly(self._sock, int.from_bytes(header, "big")) if header else b""
        if not body:
            raise self._gone()
        answer: dict[str, Any] = json.loads(body)
        return answer

    def _gone(self) -> StepFailed:
        child, self._child = self._child, None
        code = child.wait() if child is not None else 0
        self.end()
        if code >= 0:
            return StepFailed("query", f"DuckDB's process ended with exit code {code}")
        name = signal.Signals(-code).name
        hint = "the system does so when memory runs out" if name == "SIGKILL" else ""
        hint = hint or "DuckDB crashed; what was not committed is undone"
        return StepFailed("query", f"DuckDB's process was killed ({name})", hint=hint)


_of_thread = threading.local()


def mine() -> DuckdbProcess:
    """The DuckDB process of the calling thread."""
    found: DuckdbProcess | None = getattr(_of_thread, "process", None)
    if found is None:
        found = _of_thread.process = DuckdbProcess()
    return found
