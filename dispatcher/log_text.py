"""Prints the logs of a run, once or until it is over. Used by `fleet logs`."""

import json
import time
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from catalog import retention, runs
from dispatcher import fleets, live_logs, log_files
from dispatcher.follow import Logs
from dispatcher.log_files import LogLine
from dispatcher.problems import FleetError, nearest
from dispatcher.terminal import Terminal, printable
from dispatcher.views import run_row
from dispatcher.words import ago
from workers.settings import Settings


@dataclass(slots=True)
class Reader:
    """Which lines, and how."""

    terminal: Terminal
    engine: Engine
    run_id: str
    asset: str
    step: str
    as_json: bool = False
    _printed: int = 0

    def show(self, settings: Settings, *, follow: bool) -> int:
        """Print the lines; the exit code."""
        stored = log_files.of_run(settings, self.run_id, self._assets())
        fleet = fleets.existing(settings) if follow else None
        files = live_logs.of_run(fleet, stored, self.run_id)
        over = False
        while not over:
            over = not follow or self._over()
            self._print(files, last=over)
            if not over:
                time.sleep(0.1)
        if not self._printed:
            self.terminal.note(self._nothing())
        return 0

    def _over(self) -> bool:
        """Whether the run is; while the catalog does not answer, it goes on."""
        try:
            return run_row(runs.get(self.engine, self.run_id)).over
        except (OperationalError, InterfaceError):
            return False

    def _nothing(self) -> str:
        """Why no line was printed."""
        gone = retention.removed(self.engine, self.run_id)
        if gone is not None:
            return f"the logs of run {self.run_id} were removed {ago(gone)}, as they were too old"
        return f"{self.asset or 'the assets'} wrote nothing in run {self.run_id} (so far)"

    def _print(self, files: Logs, *, last: bool) -> None:
        while found := list(files.read(fresh=last)):
            for line in found:
                self._line(line)

    def _line(self, line: LogLine) -> None:
        if (self.step and line.step != self.step) or (self.asset and line.asset != self.asset):
            return
        self._printed += 1
        text = printable(line.text)
        if self.as_json:
            facts = {"v": 1, "asset": line.asset, "step": line.step, "line": line.text}
            self.terminal.line(json.dumps(facts))
        else:
            self.terminal.line(text if self.asset else f"[{line.asset}] {text}")

    def _assets(self) -> list[str]:
        known = [view.asset for view in runs.asset_runs(self.engine, self.run_id)]
        if not self.asset:
            return known
        if self.asset not in known:
            message = f"run {self.run_id} has no asset '{self.asset}'"
            raise FleetError(message, hint=nearest(self.asset, known))
        return [self.asset]
