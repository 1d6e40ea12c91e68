"""Ends queries that take too long or whose step must stop. Used by workers.engines."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from workers.context import Stop
from workers.errors import StepFailed

WATCH = 0.1  # seconds between two looks at `stop` while a query runs


class Guard:
    """Ends a query that takes too long or whose step must stop."""

    def __init__(self, stop: Stop | None = None, timeout: float = 0.0) -> None:
        self._stop = stop
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout if timeout > 0 else 0.0

    def check(self) -> None:
        """Raise StepFailed if there is a reason to end."""
        reason = self._reason()
        if reason == "timeout":
            raise StepFailed(
                "timeout", f"took longer than the asset's timeout of {self._timeout:g} s"
            )
        if reason:
            raise StepFailed("cancelled", reason)

    @contextlib.contextmanager
    def watching(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """While the body runs, call `interrupt` as soon as there is a reason.

        Raises StepFailed if that was done although the body ended well: a MySQL function that is
        interrupted just returns something.
        """
        self.check()
        if self._stop is None and not self._deadline:
            yield
            return
        done, fired = threading.Event(), threading.Event()
        thread = threading.Thread(target=self._watch, args=(done, fired, interrupt), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
        if fired.is_set():
            self.check()

    def _watch(
        self, done: threading.Event, fired: threading.Event, interrupt: Callable[[], None]
    ) -> None:
        while not done.wait(WATCH):
            if self._reason():
                fired.set()
                interrupt()

    def _reason(self) -> str | None:
        if self._stop is not None and self._stop.reason:
            return self._stop.reason
        return "timeout" if self._deadline and time.monotonic() > self._deadline else None
