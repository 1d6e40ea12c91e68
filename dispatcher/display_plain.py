"""The display for pipes and CI: a line per change with its time, log lines, a heartbeat."""

import time

from dispatcher.board import AssetRow, Board
from dispatcher.lines import Lines, doing, name_width
from dispatcher.terminal import Terminal, printable
from dispatcher.words import duration

HEARTBEAT = 30.0  # seconds of silence after which CI might think that it hangs
_LONG = 2.0  # seconds; a shorter wait is not worth a line


class PlainDisplay:
    """Writes what happens, line by line, and never goes back."""

    def __init__(self, terminal: Terminal, *, quiet: bool, verbose: bool) -> None:
        self.terminal = terminal
        self.quiet = quiet
        self.verbose = verbose
        self._lines = Lines(terminal, 10)
        self._last = time.monotonic()
        self._said: dict[str, tuple[str, ...]] = {}  # what an asset's line told
        self._waits: dict[str, float] = {}  # since when, of those that were not told yet

    def start(self, board: Board, identity: str) -> None:
        """Say which run this is."""
        self._lines = Lines(self.terminal, name_width(list(board.rows), self.terminal))
        self._say(identity)

    def changed(self, row: AssetRow, before: AssetRow | None, board: Board) -> None:
        """Say that an asset is in another state or step; what it waits for, if it waits long."""
        if row.over:
            self._waits.pop(row.name, None)
            self._say(self._clock() + self._lines.ended(row, board.now)[1:])
        elif row.waits:
            if before is None or row.reason != before.reason:
                self._waits.setdefault(row.name, board.now)
        else:
            self._waits.pop(row.name, None)
            self._begun(row, before)

    def _begun(self, row: AssetRow, before: AssetRow | None) -> None:
        noted = self.verbose and row.note and (before is None or row.note != before.note)
        if noted or (row.state == "running" and self._said.get(row.name) != _told(row)):
            self._tell(row)

    def _tell(self, row: AssetRow) -> None:
        self._said[row.name] = _told(row)
        sign = self.terminal.sign("queued" if row.waits else row.state)
        self._say(f"{self._clock()} {sign} {row.name}  {doing(row)}")

    def log(self, asset: str, step: str, line: str) -> None:
        """Repeat a line that an asset wrote."""
        self._say(f"[{asset}] {printable(line)}")

    def notice(self, text: str) -> None:
        """Say something about the run as a whole."""
        self.terminal.note(text)

    def tick(self, board: Board) -> None:
        """Tell long waits, and that we are alive if nothing was said for a while."""
        for name, since in list(self._waits.items()):
            if board.now - since >= _LONG:
                del self._waits[name]
                self._tell(board.rows[name])
        if time.monotonic() - self._last >= HEARTBEAT:
            running = ", ".join(
                f"{r.name} ({duration(r.seconds(board.now))})" for r in board.active
            )
            done = f"{board.ended} of {len(board.rows)} done"
            self._say(f"{self._clock()} {done}; {running or 'waiting for a worker'}")

    def close(self, board: Board) -> None:
        """Nothing to tidy up."""

    def _clock(self) -> str:
        return time.strftime("%H:%M:%S")

    def _say(self, text: str) -> None:
        self._last = time.monotonic()
        if not self.quiet:
            self.terminal.line(text)


def _told(row: AssetRow) -> tuple[str, ...]:
    """What a new line would tell."""
    return ("waits" if row.waits else row.state, row.step, row.again)
