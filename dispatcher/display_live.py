"""The display for a terminal: ended assets scroll up, a small region below shows what runs."""

from rich.console import Console
from rich.live import Live
from rich.text import Text

from dispatcher.board import AssetRow, Board
from dispatcher.lines import Lines, name_width
from dispatcher.terminal import Terminal, printable

_SPARE = 4  # lines that the region leaves free
_FACTS = 27  # columns of rows and checks in the lines above, so that all times are aligned


class LiveDisplay:
    """Draws with rich; the region is never taller than the terminal."""

    def __init__(self, terminal: Terminal, *, quiet: bool, verbose: bool) -> None:
        self.terminal = terminal
        self.quiet = quiet
        self.verbose = verbose
        self._logs = verbose
        self._lines = Lines(terminal, 10)
        self._console = Console(
            file=terminal.out,
            no_color=not terminal.color,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
        )
        self._live = Live(console=self._console, transient=True, auto_refresh=False)

    def start(self, board: Board, identity: str) -> None:
        """Say which run this is and open the region."""
        self._lines = Lines(self.terminal, name_width(list(board.rows), self.terminal))
        self._logs = self.verbose or len(board.rows) == 1
        for line in [] if self.quiet else identity.splitlines():
            self._print(line)
        self._live.start()
        self.tick(board)

    def changed(self, row: AssetRow, before: AssetRow | None, board: Board) -> None:
        """Scroll up the line of an asset that ended."""
        if row.over and not self.quiet:
            self._print(self._lines.ended(row, board.now))

    def log(self, asset: str, step: str, line: str) -> None:
        """Show an asset's line if there is only one asset, or all are wanted."""
        if self._logs and not self.quiet:
            self._print(f"    {self.terminal.style(asset + ' |', dim=True)} {printable(line)}")

    def notice(self, text: str) -> None:
        """Say something about the run as a whole."""
        self._print(f"  {text}")

    def tick(self, board: Board) -> None:
        """Draw the region again."""
        self._live.update(Text("\n").join(self._region(board)), refresh=True)

    def close(self, board: Board) -> None:
        """Take the region away; what scrolled up stays."""
        self._live.stop()

    def _region(self, board: Board) -> list[Text]:
        room = max(1, self.terminal.height - _SPARE)
        active = sorted(board.active, key=lambda row: (not row.started, row.started))
        shown = active if len(active) <= room else active[: room - 1]
        width = (
            max(_FACTS, *(len(self._lines.what(row, board.now)) for row in shown)) if shown else 0
        )
        lines = [self._lines.active(row, board.now, width) for row in shown]
        if len(shown) < len(active):
            lines.append(f"    and {len(active) - len(shown)} more")
        return [self._text(line) for line in [*lines, self._lines.whole(board)]]

    def _print(self, line: str) -> None:
        self._console.print(self._text(line), soft_wrap=True)

    def _text(self, line: str) -> Text:
        text = Text.from_ansi(self.terminal.text(line))
        text.no_wrap, text.overflow = True, "crop"
        return text
