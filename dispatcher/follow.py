"""Follows one run to its end: polls the catalog, reads its logs, tells a display."""

import contextlib
import gc
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from catalog import runs
from dispatcher import views
from dispatcher.board import AssetRow, Board
from dispatcher.fleets import Fleet
from dispatcher.log_files import LogLine
from dispatcher.patience import Patience
from dispatcher.words import CTRL_C

_QUICK, _SLOW = 0.03, 0.1  # seconds between looks: short runs should not feel long
_SETTLED = 3.0  # seconds after which a run is no short one
_LOOK_AT_FLEET = 2.0
_AWAY = 0.5  # seconds between looks at a catalog that does not answer
_SIGNALS = {signal.SIGINT: CTRL_C, signal.SIGTERM: "the command was told to end (SIGTERM)"}


class Display(Protocol):
    """What shows a run: live, plain or as JSON."""

    def start(self, board: Board, identity: str) -> None:
        """Say which run this is."""

    def changed(self, row: AssetRow, before: AssetRow | None, board: Board) -> None:
        """An asset is not as it was."""

    def log(self, asset: str, step: str, line: str) -> None:
        """An asset wrote a line."""

    def notice(self, text: str) -> None:
        """Something about the run as a whole."""

    def tick(self, board: Board) -> None:
        """Nothing may have happened; time goes on."""

    def close(self, board: Board) -> None:
        """The run is over, or we leave it."""


class Logs(Protocol):
    """Where log lines come from."""

    def read(self, *, fresh: bool = False) -> Iterator[LogLine]:
        """The lines that came since the last time; `fresh` looks anew, however lately it did."""

    def close(self, asset: str) -> None:
        """This asset is over, and its lines were read."""


class Left(Exception):
    """The person pressed Ctrl-C a second time."""


@dataclass(slots=True)
class Follow:
    """One run that is being followed."""

    engine: Engine
    run_id: str
    display: Display
    logs: Logs
    fleet: Fleet
    interrupts: int = 0
    _why: str = ""  # the first interrupt, in words
    _asked: bool = False
    _away: bool = False  # the catalog could not be read at the last look
    _since: float = 0.0
    _started: float = field(default_factory=time.monotonic)
    _looked: float = field(default_factory=time.monotonic)

    def to_end(self, identity: str) -> Board:
        """Show the run until it is over; Left if the person does not want to wait."""
        gc.enable()  # dispatcher.cli turned it off for the start
        board = views.board(self.engine, self.run_id)
        self.display.start(board, identity)
        board.rows = {name: _unseen(row) for name, row in board.rows.items()}
        patience = Patience(self.engine, self.fleet)
        with _signals(self._interrupted):
            try:
                while not self._patiently(patience, lambda: self._look(board)):
                    self._patiently(patience, lambda: self._look_at_fleet(patience))
                    time.sleep(self._pause())
            finally:
                self.display.close(board)
        return board

    def _patiently(self, patience: Patience, look: Callable[[], bool]) -> bool:
        """What `look` says; while the catalog is away False: the run goes on, and so do we."""
        try:
            over = look()
        except (OperationalError, InterfaceError):
            patience.catalog_away()
            if not self._away:
                self.display.notice("the catalog does not answer: the run goes on, we wait for it")
            self._away = True
            time.sleep(_AWAY)
            return False
        if self._away:
            self.display.notice("the catalog is back")
            self._away = False
        return over

    def _look(self, board: Board) -> bool:
        """Take in what happened since the last look; whether the run is over."""
        self._heed()
        run = runs.get(self.engine, self.run_id)
        # the run first, then its assets, then their logs: what a later one shows, an earlier one
        # may not know yet, but never the other way round
        over = views.run_row(run).over
        since = 0.0 if over or run.now < self._since else self._since  # its clock was set back
        changed = runs.asset_runs(self.engine, self.run_id, changed_since=since)
        in_order = sorted(changed, key=lambda v: (v.ended_at or v.changed_at, v.position))
        rows = [views.asset_row(view) for view in in_order]
        # nobody comes back for the lines of what is over
        while self._read_logs(fresh=any(_ends(row, board) for row in rows)) and over:
            pass
        board.run, board.now = views.run_row(run), run.now
        self._since = max([self._since, *(view.changed_at for view in changed)])
        for row in rows:
            self._take(board, row)
        self.display.tick(board)
        return board.run.over

    def _take(self, board: Board, row: AssetRow) -> None:
        before = board.rows.get(row.name)
        if before is None or row == before:
            return
        board.rows[row.name] = row
        if row.over:
            self.logs.close(row.name)
        self.display.changed(row, before, board)

    def _read_logs(self, *, fresh: bool) -> bool:
        """Show what came; whether anything did."""
        came = False
        for line in self.logs.read(fresh=fresh):
            came = True
            self.display.log(line.asset, line.step, line.text)
        return came

    def _look_at_fleet(self, patience: Patience) -> bool:
        if time.monotonic() - self._looked >= _LOOK_AT_FLEET:
            self._looked = time.monotonic()
            for notice in patience.look():
                self.display.notice(notice)
        return False

    def _pause(self) -> float:
        return _QUICK if time.monotonic() - self._started < _SETTLED else _SLOW

    def _interrupted(self, number: int) -> None:
        self._why = self._why or _SIGNALS[signal.Signals(number)]
        self.interrupts += 1  # a signal's handler may interrupt anything: the loop does the rest

    def _heed(self) -> None:
        """Cancel at the first Ctrl-C, leave at the second."""
        if self.interrupts > 1:
            raise Left
        if self.interrupts == 1 and not self._asked:
            runs.cancel(self.engine, self.run_id, self._why)
            self._asked = True
            ends = "stops everything" if self.fleet.embedded else "leaves it to itself"
            again = "Ctrl-C again" if self._why == CTRL_C else f"{self._why}; once more"
            self.display.notice(f"cancelling run {self.run_id}; {again} {ends}")


def _ends(row: AssetRow, board: Board) -> bool:
    """Whether the asset is over, and the board does not know it yet."""
    before = board.rows.get(row.name)
    return row.over and before is not None and not before.over


def _unseen(row: AssetRow) -> AssetRow:
    """The row as if nothing had happened yet, so that the display is told what did."""
    return AssetRow(name=row.name, level=row.level, state="queued")


@contextlib.contextmanager
def _signals(handle: Callable[[int], None]) -> Iterator[None]:
    """Call `handle` for Ctrl-C and for a polite request to end."""
    before = {number: signal.signal(number, lambda got, _: handle(int(got))) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
