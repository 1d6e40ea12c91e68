"""What one rendering of a template may still do. The sandbox and its filters charge it.

`limits` bounds a single step; this bounds all of them together: passes, text, lists, time.
"""

import threading
import time
from typing import Any

from assets_parser import limits
from assets_parser.limits import TooMuch

MOST_WORK = 300_000  # loop passes and calls
_MOST_MADE = 400_000_000  # characters of all texts on the way
_ITEM = 20  # characters that an item of a list counts for
_MOST_SECONDS = 10.0  # of processor time: what a rendering may cost that stays within the rest


class Allowance:
    """Counts the work of one rendering at a time; everything raises TooMuch at its limit."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin a rendering with its full allowance."""
        self._work = self._printed = self._made = 0
        self._end = time.thread_time() + _MOST_SECONDS

    def spend(self) -> None:
        """Count one loop pass or call."""
        self._work += 1
        if self._work > MOST_WORK:
            raise TooMuch(f"more than {MOST_WORK:,} loop passes and calls")
        self._check_time()

    def printed(self, text: str) -> None:
        """Count a text of the output."""
        self._printed += len(text)
        limits.text(self._printed)
        self._check_time()

    def made(self, value: Any) -> None:
        """Count a text or list that a step made, whether it is kept or not."""
        if isinstance(value, str):
            self._made += len(value)
        elif isinstance(value, (list, tuple, dict)):
            self._made += len(value) * _ITEM
        if self._made > _MOST_MADE:
            raise TooMuch(f"more than {_MOST_MADE:,} characters on the way to the text")
        self._check_time()

    def _check_time(self) -> None:
        if time.thread_time() > self._end:
            raise TooMuch(f"more than {_MOST_SECONDS:.0f} seconds of work")


class _Thread(threading.local):
    def __init__(self) -> None:
        self.allowance = Allowance()


_thread = _Thread()


def current() -> Allowance:
    """That of the rendering which this thread is at: it does one at a time."""
    return _thread.allowance
