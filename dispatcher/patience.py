"""Whether anybody works for a run that we follow; if nobody does, we heal it ourselves."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from dispatcher.fleets import Fleet


@dataclass(slots=True)
class Patience:
    """Looks at the fleet from time to time."""

    engine: Engine
    fleet: Fleet
    _alone: int = 0
    _app: Any = None

    def look(self) -> Iterator[str]:
        """Notices for the person. FleetError if an embedded fleet has ended."""
        from catalog.workers import living

        self.fleet.check()
        if living(self.engine, self.fleet.settings.fleet):
            if self._alone > 1:
                yield "a worker is back"
            self._alone = 0
            return
        self._alone += 1
        if self._alone == 2:  # a worker may be just about to start
            name = self.fleet.settings.fleet
            yield f"no worker of fleet '{name}' lives: start one with fleet worker"
        if self._alone > 1:
            self._heal()

    def _heal(self) -> None:
        """What each worker does on its timer: fail lost steps, move levels on."""
        from workers import app, reconcile

        # what it did shows in the run itself; a log line would tear the display
        logging.getLogger("workers").addHandler(logging.NullHandler())
        self._app = self._app or app.make_app(self.fleet.settings)
        reconcile.run_once(self.engine, self._app, self.fleet.settings.fleet)
