"""Whether anybody works for a run that we follow; if nobody does, we heal it ourselves."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from dispatcher.fleets import Fleet, place
from workers.settings import Settings

_SURE = 2  # looks in a row: something may be just about to start


def mute(settings: Settings) -> str:
    """Words for a broker that does not answer; empty if it does, or is not known here."""
    from redis import RedisError

    from workers import livelog

    if not settings.broker:
        return ""
    try:
        livelog.client(settings).ping()
    except RedisError:
        where = place(settings.broker)
        return f"the broker at {where} does not answer: the run goes on when it is back"
    return ""


@dataclass(slots=True)
class Patience:
    """Looks at the fleet from time to time."""

    engine: Engine
    fleet: Fleet
    _alone: int = 0
    _since: float = 0.0  # when it was first found that nobody works
    _mute: int = 0
    _app: Any = None
    _broker: Any = None

    def look(self) -> Iterator[str]:
        """Notices for the person. FleetError if an embedded fleet has ended."""
        self.fleet.check()
        yield from self._look_at_broker()
        yield from self._look_for_workers()

    def catalog_away(self) -> None:
        """The catalog could not be read: all beats are old then, though nobody has died."""
        self._alone = 0

    def _look_at_broker(self) -> Iterator[str]:
        if self._answers():
            if self._mute >= _SURE:
                yield "the broker is back"
            self._mute = 0
            return
        self._mute += 1
        if self._mute == _SURE:
            where = place(self.fleet.settings.broker)
            yield f"the broker at {where} does not answer: the run goes on when it is back"

    def _answers(self) -> bool:
        from redis import RedisError

        from workers import livelog

        self._broker = self._broker or livelog.client(self.fleet.settings)
        try:
            return bool(self._broker.ping())
        except RedisError:
            return False

    def _look_for_workers(self) -> Iterator[str]:
        from catalog.workers import living

        settings = self.fleet.settings
        # a worker says that it lives as often as it renews its leases
        if living(self.engine, settings.fleet, within=settings.lease):
            if self._alone >= _SURE:
                yield "a worker is back"
            self._alone = 0
            return
        self._alone += 1
        self._since = time.monotonic() if self._alone == 1 else self._since
        if self._alone == _SURE:
            also = "" if self.fleet.shared else ", with the same --catalog"
            yield f"no worker of fleet '{settings.fleet}' lives: start one with fleet worker{also}"
        if self._alone >= _SURE:
            self._heal()

    def _heal(self) -> None:
        """What the workers do by turns: queue lost steps again, move levels on.

        Nobody is lost before a lease is over: the catalog itself may just be back.
        """
        from kombu.exceptions import OperationalError
        from redis import RedisError

        from workers import app, reconcile

        # what it did shows in the run itself; a log line would tear the display
        logging.getLogger("workers").addHandler(logging.NullHandler())
        self._app = self._app or app.make_app(self.fleet.settings)
        try:
            settings = self.fleet.settings
            sure = time.monotonic() - self._since > settings.lease
            sends = not self._mute  # who sent now would wait for minutes, deaf to Ctrl-C
            reconcile.run_once(self.engine, self._app, settings, bury=sure, sends=sends)
        except (OperationalError, RedisError):
            return  # without a broker nothing can be sent; the notice says so
