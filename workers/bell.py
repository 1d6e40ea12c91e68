"""Wakes the worker's main process from its pool's children. Made by workers.consumer, before forks.

A step that must wait rings, so that the heart learns at once when to send it again.
"""

import contextlib
import os
import select


class Bell:
    """A pipe that forked children inherit; asset processes, which are started anew, do not."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def ring(self) -> None:
        """Wake who waits. A full pipe has woken it already, one whose reader is gone need not."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self._write, b"!")

    def wait(self, seconds: float) -> bool:
        """Sleep up to `seconds`; whether somebody rang."""
        ready, _, _ = select.select([self._read], [], [], max(seconds, 0.0))
        with contextlib.suppress(BlockingIOError):
            while ready and len(os.read(self._read, 4096)) == 4096:
                pass
        return bool(ready)
