"""Bytes that a process writes, as whole lines. Used by workers.supervisor."""

from collections.abc import Callable

MAX_LINE = 64 * 1024  # characters of a line that are kept
MAX_PENDING = 1024 * 1024  # bytes of an unfinished line that are held


class Lines:
    """Collects bytes and hands on whole lines, decoded, cut and without their ends.

    A line is masked before it is cut, so that no half of a secret is left at the cut. Of a line
    that was redrawn with carriage returns (a progress bar) the last picture is kept.
    """

    def __init__(self, on_line: Callable[[str], None], mask: Callable[[str], str] | None) -> None:
        self._on_line = on_line
        self._mask = mask or (lambda text: text)
        self._pending = bytearray()
        self._dropped = 0

    def feed(self, data: bytes) -> None:
        """Take what was read."""
        *whole, rest = data.split(b"\n")
        for part in whole:
            self._hold(part)
            self._emit()
        self._hold(rest)

    def end(self) -> None:
        """Hand on an unfinished last line."""
        if self._pending:
            self._emit()

    def _hold(self, part: bytes) -> None:
        room = MAX_PENDING - len(self._pending)
        self._pending += part[:room]
        self._dropped += max(0, len(part) - room)

    def _emit(self) -> None:
        raw = bytes(self._pending).rstrip(b"\r").rpartition(b"\r")[2]
        text = self._mask(raw.decode("utf-8", "replace"))
        cut = max(0, len(text) - MAX_LINE) + self._dropped
        if cut:
            text = f"{text[:MAX_LINE]} ... ({cut} more characters were cut)"
        self._pending.clear()
        self._dropped = 0
        self._on_line(text)
