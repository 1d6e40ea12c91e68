"""The display for pipes and CI: a line per change with its time, log lines, a heartbeat."""

import time

from dispatcher.board import AssetRow, Board
from dispatcher.lines import Lines, doing, name_width
from dispatcher.terminal import Terminal, printable
from dispatcher.words import duration

HEARTBEAT = 30.0  # seconds of silence after which CI might think that it hangs


class PlainDisplay:
    """Writes what happens, line by line, and never goes back."""

    def __init__(self, terminal: Terminal, *, quiet: bool, verbose: bool) -> None:
        self.terminal = terminal
        self.quiet = quiet
        self.verbose = verbose
        self._lines = Lines(terminal, 10)
        self._last = time.monotonic()

    def start(self, board: Board, identity: str) -> None:
        """Say which run this is."""
        self._lines = Lines(self.terminal, name_width(list(board.rows), self.terminal))
        self._say(identity)

    def changed(self, row: AssetRow, before: AssetRow | None, board: Board) -> None:
        """Say that an asset is in another state, or waits for something else."""
        if row.over:
            self._say(self._clock() + self._lines.ended(row, board.now)[1:])
        elif _worth_a_line(row, before, self.verbose):
            sign = self.terminal.sign("queued" if row.waits else row.state)
            self._say(f"{self._clock()} {sign} {row.name}  {doing(row)}")

    def log(self, asset: str, step: str, line: str) -> None:
        """Repeat a line that an asset wrote."""
        self._say(f"[{asset}] {printable(line)}")

    def notice(self, text: str) -> None:
        """Say something about the run as a whole."""
        self.terminal.note(text)

    def tick(self, board: Board) -> None:
        """Show that we are alive if nothing was said for a while."""
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


def _worth_a_line(row: AssetRow, before: AssetRow | None, verbose: bool) -> bool:
    if before is None:
        return row.state == "running"
    if row.state == "queued":
        return bool(row.reason) and row.reason != before.reason
    if row.waits != before.waits:
        return True
    if verbose and row.note and row.note != before.note:
        return True
    return (row.state, row.step) != (before.state, before.step)
