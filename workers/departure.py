"""How a worker goes: asked once it ends what it runs and takes nothing new, asked twice it stops.

Made by workers.consumer before the pool's children fork; they see what is asked of their worker.
"""

import logging
import mmap
import os
import signal
import threading
from collections.abc import Callable, Iterable
from types import FrameType

from workers.settings import Settings

logger = logging.getLogger(__name__)

_STAYS, _DRAINS, _STOPS = range(3)
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_LAST_WORDS = 10.0  # seconds, beyond the grace of the steps, to record how they ended


class Departure:
    """What this worker was asked to do, in memory that its children share."""

    def __init__(self) -> None:
        self._asked = mmap.mmap(-1, 1)

    @property
    def drains(self) -> bool:
        """Whether it is to take nothing new."""
        return self._asked[0] >= _DRAINS

    @property
    def at_once(self) -> bool:
        """Whether what runs is to be stopped too, and given back."""
        return self._asked[0] >= _STOPS

    def heed_signals(
        self, wake: Callable[[], None], children: Callable[[], Iterable[int]], settings: Settings
    ) -> None:
        """React to SIGTERM and SIGINT from now on. To be called by the main thread.

        `wake` is called at each; what still lives some seconds after the second is killed.
        """
        warm = signal.getsignal(signal.SIGTERM)  # Celery's own: no new work, then the end

        def heed(number: int, frame: FrameType | None) -> None:
            self._asked[0] = min(self._asked[0] + 1, _STOPS)
            if not self.at_once and callable(warm):
                warm(number, frame)
            elif self.at_once:
                killing = threading.Timer(settings.stop_grace + _LAST_WORDS, end_now, [children])
                killing.daemon = True
                killing.start()
            wake()

        for number in _SIGNALS:
            signal.signal(number, heed)


def end_now(children: Callable[[], Iterable[int]]) -> None:
    """End this process and its children; what these have started goes with them."""
    for pid in children():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            logger.debug("process %d has gone by itself", pid)
    os._exit(1)
