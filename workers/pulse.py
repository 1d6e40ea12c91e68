"""The pulse of a step: when its claim was last known to stand. Its keeper feels it.

What the step has started (workers.supervisor, workers.duckdb_process) hears each beat and ends by
itself when none came for HELD of the lease: before anybody else may have the step.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

HELD = 0.75  # of the lease for which a beat is believed; the rest is for ending what runs

Tell = Callable[[float], None]


def clock() -> float:
    """Seconds that go on while this host sleeps, the same for all its processes."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class Pulse:
    """Of one claim, held for `lease` seconds from `since` on.

    `connected` says whether the broker answers: while the catalog alone is away nobody else can
    claim the step, and it goes on; a host that reaches neither is cut off.
    """

    def __init__(
        self,
        lease: float,
        *,
        renew: float = 0.0,
        since: float | None = None,
        connected: Callable[[], bool] = lambda: False,
    ) -> None:
        self._holds = lease * HELD
        self._overdue = (renew + self._holds) / 2
        self._connected = connected
        self._renewed = self._beat = clock() if since is None else since
        self._lapsed = False
        self._children: list[Tell] = []
        self._changing = threading.Lock()

    @property
    def beat(self) -> float:
        """When, by `clock`, the step was last known to be ours to run."""
        return self._beat

    @property
    def fresh(self) -> bool:
        """Whether the catalog itself has confirmed the claim, so lately that it still stands."""
        return clock() - self._renewed < self._holds

    @property
    def gone(self) -> bool:
        """Whether what the step started has ended by now, for want of a beat."""
        return self._lapsed or clock() - self._beat >= self._holds

    def forgive(self) -> None:
        """A beat that came late ended nothing, as nothing had been started."""
        self._lapsed = False

    def renewed(self, at: float) -> None:
        """The catalog was asked `at` that time, and has renewed the claim."""
        self._renewed = max(self._renewed, at)
        self._strike(at)

    def look(self) -> None:
        """To be called now and then: a beat without the catalog, if only that is away."""
        at = clock()
        if not self.gone and at - self._beat > self._overdue and self._connected():
            self._strike(at)

    def add(self, tell: Tell) -> None:
        """From now on `tell` is called with the time of each beat, from any thread."""
        with self._changing:
            self._children.append(tell)

    def remove(self, tell: Tell) -> None:
        """Tell no more."""
        with self._changing:
            self._children.remove(tell)

    @contextlib.contextmanager
    def heard_by(self, tell: Tell) -> Iterator[None]:
        """While the body runs, `tell` is called with the time of each beat."""
        self.add(tell)
        try:
            yield
        finally:
            self.remove(tell)

    def _strike(self, at: float) -> None:
        with self._changing:
            self._lapsed = self.gone
            self._beat = max(self._beat, at)
            for tell in self._children:
                tell(at)


_of_thread = threading.local()


def mine() -> Pulse | None:
    """The pulse of the step that the calling thread does, if it does one."""
    found: Pulse | None = getattr(_of_thread, "pulse", None)
    return found


@contextlib.contextmanager
def of_thread(pulse: Pulse) -> Iterator[None]:
    """While the body runs, `pulse` is that of the calling thread."""
    _of_thread.pulse = pulse
    try:
        yield
    finally:
        _of_thread.pulse = None
