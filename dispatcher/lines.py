"""One line about one asset, or about the whole run. Shared by the displays and `status`."""

import math
from dataclasses import dataclass

from dispatcher.board import AssetRow, Board
from dispatcher.terminal import Terminal, printable
from dispatcher.words import duration, number, shorten, some

_BAR, _SHORTEST = 30, 8
_COUNTS = 68  # columns beside the bar when there is much to count
_ECHO = 5  # columns for what the terminal itself writes at Ctrl-C, twice: the region must not wrap


@dataclass(frozen=True, slots=True)
class Lines:
    """Writes lines whose names are aligned to `width`."""

    terminal: Terminal
    width: int

    def ended(self, row: AssetRow, now: float) -> str:
        """`✓ raw.orders   20,000 rows   2 checks   1.1s`."""
        parts = [part for part in self._facts(row, now) if part]
        return self.terminal.cut(
            f"  {self.terminal.sign(row.look)} {self._name(row)}  {'   '.join(parts)}"
        )

    def active(self, row: AssetRow, now: float, width: int = 0) -> str:
        """`● staging.sessions   load 210,000 of 1,000,000 rows   12s`; `width` aligns the times."""
        took = duration(row.seconds(now)) if row.started else ""
        sign = self.terminal.sign("queued" if row.waits else row.state)
        text = f"  {sign} {self._name(row)}  {self.what(row, now):<{width}}  {took:>6}"
        return self.terminal.cut(text.rstrip())

    def what(self, row: AssetRow, now: float) -> str:
        """What a row does now, as far as the terminal has room for it."""
        what = _until(row, now) or doing(row)
        room = self.terminal.width - self.width - 16  # for sign, blanks and the time at the end
        if self.terminal.tty and len(what) > room > 0:
            return what[: room - 1] + "…"
        return what

    def whole(self, board: Board) -> str:
        """The level, a bar, and the counts."""
        run, total = board.run, len(board.rows) or 1
        length = max(_SHORTEST, min(_BAR, self.terminal.width - _COUNTS))
        filled = length * board.ended // total
        bar = "━" * filled + ("╸" if filled < length else "") + " " * (length - filled - 1)
        level = f"level {min(run.level + 1, run.levels) or 1} of {run.levels}"
        color = "red" if board.count("failed") else "green"
        counts = self._counts(board)
        return self.terminal.cut(
            f"  {level}  {self.terminal.style(bar, color)}  {counts}", spare=_ECHO
        )

    def _counts(self, board: Board) -> str:
        run = board.run
        since = run.started or run.created
        parts = [f"{board.ended} of {len(board.rows)}"]
        waiting = sum(row.waits for row in board.active)
        running = sum(row.state == "running" and not row.waits for row in board.active)
        parts += [f"{running} running"] if running else []
        parts += [f"{waiting} waiting"] if waiting else []
        parts += [f"{board.count('failed')} failed"] if board.count("failed") else []
        parts += ["cancelling"] if run.cancelling else []
        return " · ".join([*parts, duration(max(0.0, board.now - since)) if since else "0.0s"])

    def _name(self, row: AssetRow) -> str:
        return f"{shorten(printable(row.name), self.width):<{self.width}}"

    def _facts(self, row: AssetRow, now: float) -> list[str]:
        took = f"{duration(row.seconds(now)):>6}" if row.started else ""
        if row.state == "succeeded":
            return [f"{_rows(row):>14}", f"{_checks(row):<9}", took, _again(row)]
        if row.look == "warned":
            return [f"{_rows(row):>14}", f"{_checks(row)} (not blocking)", took]
        if row.state == "failed":
            step = f"failed in {row.step}" if row.step else "failed"
            return [step, took, printable(row.error)]
        joint = ": " if row.state == "cancelled" else " "
        return [joint.join(filter(None, [row.state, printable(row.reason)])), took]


def _until(row: AssetRow, now: float) -> str:
    """`next look in 12s · its query gave 0`, for what waits for nothing but a moment."""
    if not row.waits or row.due <= now:
        return ""
    word = "look" if row.step == "sensor" else "try"
    why = printable(row.reason).partition(";")[0]
    return f"next {word} in {duration(math.ceil(row.due - now)).replace('.0s', 's')} · {why}"


def doing(row: AssetRow) -> str:
    """What a row does now, or what it waits for."""
    if row.waits or row.state == "queued":
        return printable(row.reason) or "queued"
    return " ".join(filter(None, [row.step, _progress(row) or printable(row.note), _again(row)]))


def _again(row: AssetRow) -> str:
    return f"(again: {printable(row.again)})" if row.again else ""


def _progress(row: AssetRow) -> str:
    if row.done is None:
        return ""
    total = f" of {number(row.total)}" if row.total else ""
    return f"{number(row.done)}{total} rows"


def _rows(row: AssetRow) -> str:
    return "" if row.rows is None else some(row.rows, "row")


def _checks(row: AssetRow) -> str:
    total = row.checks_passed + row.checks_failed
    if row.checks_failed:
        return f"{row.checks_passed} of {some(total, 'check')} passed, {row.checks_failed} failed"
    return some(total, "check") if total else ""


def name_width(names: list[str], terminal: Terminal) -> int:
    """The width of the column of names: as wide as the longest, as far as the terminal allows."""
    longest = max((len(name) for name in names), default=10)
    return min(longest, max(16, terminal.width // 3))
