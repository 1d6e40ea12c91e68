"""Runs one asset's process at a time, through a guardian process that outlives every accident.

Each thread of a worker that runs steps keeps one `Supervisor` (`mine()`); main_step uses it.
The guardian (supervisor_main.py) starts once, so that starting an asset costs only the asset's own
interpreter.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.context import Stop
from workers.framing import exactly
from workers.lines import Lines
from workers.pulse import clock
from workers.pulse import mine as pulse_of_thread

GUARDIAN = Path(__file__).with_name("supervisor_main.py")
POLL = 0.1  # seconds between two looks at `stop` and the time limit
DRAIN = 1.0  # seconds to wait for output that somebody outside the tree still holds open
ANSWER = 5.0  # seconds beyond the grace for a guardian to say that the tree has ended
CHUNK = 256 * 1024
_ROUNDING = 1.5  # seconds: the system counts when processes began in ticks, from a whole second on


class SupervisorError(RuntimeError):
    """The asset's process could not be started; the text is the system's reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a process ended. `reason` is empty if it ended by itself, else why it was ended:
    "timeout", "lease", "lost", or what `stop` said."""

    code: int = 0
    signal: int = 0
    reason: str = ""
    leftovers: int = 0  # processes that it left behind, which were ended
    max_rss: int = 0  # bytes


class Supervisor:
    """A guardian process and the socket to it. Not to be shared by threads."""

    def __init__(self) -> None:
        self._guardian: subprocess.Popen[bytes] | None = None
        self._sock: socket.socket | None = None
        self._sending = threading.Lock()
        self._owner = os.getpid()

    def warm(self) -> None:
        """Start the guardian if it does not run, so that the first asset need not wait for it."""
        if self._guardian is not None:
            if self._owner == os.getpid() and self._guardian.poll() is None:
                return
            self.close()
        ours, theirs = socket.socketpair()
        with theirs:
            argv = [sys.executable, "-I", "-S", str(GUARDIAN), str(theirs.fileno())]
            self._guardian = subprocess.Popen(
                argv,
                env=_bare_environment(),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._sock, self._owner = ours, os.getpid()

    def close(self) -> None:
        """Let the guardian end what it runs and leave."""
        if self._sock is not None:
            self._sock.close()
        if self._guardian is not None and self._owner == os.getpid():
            self._guardian.wait()
        self._sock = self._guardian = None

    def run(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        cwd: str | Path,
        *,
        on_line: Callable[[str], None],
        stop: Stop | None = None,
        timeout: float = 0.0,
        lease: float = 15.0,
        grace: float = 5.0,
        mask: Callable[[str], str] | None = None,
        output: int | None = None,
        confine: Mapping[str, Any] | None = None,
    ) -> Exit:
        """Run a program to its end and that of its whole tree; lines go to `on_line` as they come.

        `timeout` (0 for none), `lease` (after the last beat of the step's pulse) and `grace`
        (between TERM and KILL) are seconds. `output` is a descriptor for its standard output; only
        errors are lines then; `confine` comes from workers.confinement. Raises SupervisorError if
        the program cannot be started.
        """
        order = {"argv": list(argv), "env": dict(env), "cwd": str(cwd), "lease": lease}
        order |= {"confine": dict(confine or {})}
        begun = time.time() - _ROUNDING  # before the order: this process may be paused behind it
        reading = self._begin(order, output)
        watch = _Watch(
            supervisor=self,
            pipe=reading,
            lines=Lines(on_line, mask),
            stop=stop,
            deadline=time.monotonic() + timeout if timeout > 0 else 0.0,
            grace=grace,
            begun=begun,
        )
        with self._ticking(lease / 5):
            return watch.follow()

    def _begin(self, order: Mapping[str, Any], output: int | None) -> int:
        """Have it started; where its lines are read."""
        self.warm()
        reading, writing = os.pipe()
        pulse = pulse_of_thread()
        start = {"kind": "start", "at": pulse.beat if pulse else clock()}
        try:
            self._send({**order, **start}, writing, *([] if output is None else [output]))
        finally:
            os.close(writing)
        return reading

    def kill(self, reason: str, grace: float) -> None:
        """Ask for the end of the tree that runs."""
        self._send({"kind": "kill", "reason": reason, "grace": grace})

    def drop_guardian(self) -> None:
        """End a guardian that does not answer: what it guards ends with it."""
        if self._guardian is not None and self._owner == os.getpid():
            self._guardian.kill()

    @property
    def socket(self) -> socket.socket:
        """The lifeline to the guardian."""
        assert self._sock is not None
        return self._sock

    def receive(self) -> dict[str, Any] | None:
        """The guardian's next message, None if it is gone."""
        header = exactly(self.socket, 4)
        body = exactly(self.socket, int.from_bytes(header, "big")) if header else b""
        return json.loads(body) if body else None

    def _send(self, message: Mapping[str, Any], *fds: int) -> None:
        body = json.dumps(message).encode()
        data = len(body).to_bytes(4, "big") + body
        with self._sending, contextlib.suppress(OSError):  # its end is noticed while reading
            sent = socket.send_fds(self.socket, [data], fds)  # a tick is whole or not sent at all
            self.socket.sendall(data[sent:])

    def _tick(self, at: float) -> None:
        self._send({"kind": "tick", "at": at})

    @contextlib.contextmanager
    def _ticking(self, every: float) -> Iterator[None]:
        """Tell the guardian that the work goes on: as the step's pulse beats, where it is a step's.

        Else while this process lives, from a thread: a slow log is no death.
        """
        if pulse := pulse_of_thread():
            with pulse.heard_by(self._tick):
                self._tick(pulse.beat)  # there may have been one since the start
                yield
            return
        done = threading.Event()

        def tick() -> None:
            while not done.wait(every):
                self._tick(clock())

        thread = threading.Thread(target=tick, name="fleet-tick", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


@dataclass(slots=True, kw_only=True)
class _Watch:
    """One run: its output, its limits, its end."""

    supervisor: Supervisor
    pipe: int  # where its output is read
    lines: Lines
    stop: Stop | None
    deadline: float  # on the monotonic clock, 0 for none
    grace: float
    pid: int = 0
    begun: float = 0.0  # in seconds since 1970
    asked: float = 0.0  # to end: when, on the monotonic clock
    open: bool = True  # the pipe has more

    def follow(self) -> Exit:
        """Read output until the process has ended."""
        end: Exit | None = None
        try:
            while end is None:
                ready = self._ready(POLL)
                if self.pipe in ready:
                    self._read()
                if self.supervisor.socket.fileno() in ready:
                    end = self._hear()
                self._limits()
            while self.open and _readable(DRAIN, self.pipe):
                self._read()
        except BaseException:
            self.supervisor.close()  # the lifeline's end takes the whole tree with it
            raise
        finally:
            os.close(self.pipe)
        self.lines.end()
        return end

    def _ready(self, timeout: float) -> list[int]:
        pipe = [self.pipe] if self.open else []
        return _readable(timeout, self.supervisor.socket.fileno(), *pipe)

    def _read(self) -> None:
        data = os.read(self.pipe, CHUNK)
        self.open = bool(data)
        self.lines.feed(data)

    def _hear(self) -> Exit | None:
        message = self.supervisor.receive()
        if message is None:
            return self._orphaned()
        kind = message.pop("kind")
        if kind == "failed":
            raise SupervisorError(message["error"])
        if kind == "started":
            self.pid = message["pid"]
        return Exit(**message) if kind == "ended" else None

    def _orphaned(self) -> Exit:
        """The guardian was killed: end what it guarded, as well as can be from here."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        self.supervisor.close()
        from workers import orphans  # noqa: PLC0415 - hardly ever needed

        orphans.end_those_since(self.begun)
        return Exit(signal=signal.SIGKILL, reason="lost")

    def _limits(self) -> None:
        if self.asked:
            if time.monotonic() > self.asked + self.grace + ANSWER:
                self.supervisor.drop_guardian()
            return
        reason = self.stop.reason if self.stop else None
        if not reason and self.deadline and time.monotonic() > self.deadline:
            reason = "timeout"
        if reason:
            self.asked = time.monotonic()
            self.supervisor.kill(reason, self.grace)


def _readable(timeout: float, *descriptors: int) -> list[int]:
    """Those that have something to read; poll(), as descriptors may be above 1023."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return [descriptor for descriptor, _ in poll.poll(timeout * 1000)]


def _bare_environment() -> dict[str, str]:
    """The guardian needs nothing but what its interpreter's libraries may need."""
    names = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
    return {name: os.environ[name] for name in names if name in os.environ}


_of_thread = threading.local()


def mine() -> Supervisor:
    """The supervisor of the calling thread, made at its first use (again after a fork)."""
    found: Supervisor | None = getattr(_of_thread, "supervisor", None)
    if found is None:
        found = _of_thread.supervisor = Supervisor()
    return found
