"""The heart of a worker's main process: heartbeat, reconcile by turns, an eye on its own children.

A thread that workers.main starts once the worker takes work. It never runs tasks, so long assets
cannot starve it, and it needs no broker to notice what died.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable

from celery import Celery
from kombu.exceptions import OperationalError as BrokerError
from redis import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from catalog import holders, recover, workers
from catalog.claims import Claim
from workers import levels, reconcile, run_values, working_copies
from workers.bell import Bell
from workers.beside import beside
from workers.departure import Departure, end_now
from workers.description import Description
from workers.outages import Broker
from workers.pulse import clock
from workers.routing import EMBEDDED
from workers.settings import Settings

logger = logging.getLogger(__name__)

TICK = 1.0  # seconds between two looks at the pool's children
_SHORTEST = 0.02  # seconds between two looks at what waits for a time
_FIRST_TIDY = 2.0  # seconds
_TIDY_EVERY = 3600.0  # seconds

#: Held while the heart works with the catalog: a child forked in the middle would inherit locks
#: that nobody in it ever releases.
_fork_guard = threading.Lock()

os.register_at_fork(
    before=_fork_guard.acquire,
    after_in_parent=_fork_guard.release,
    after_in_child=_fork_guard.release,
)

_AWAY = (BrokerError, RedisError, OSError)


class Heart:
    """Beats until `stop`; `children` tells the process ids of the pool now.

    `departure` is what this process was asked to do by signals; `on_drain` is called with True when
    the catalog says that it is to take nothing new, and with False when it may again.
    """

    def __init__(
        self,
        engine: Engine,
        app: Celery,
        settings: Settings,
        name: str,
        children: Callable[[], Iterable[int]],
        *,
        bell: Bell | None = None,
        departure: Departure | None = None,
    ) -> None:
        self.on_drain: Callable[[bool], None] = lambda drains: None
        self._departure = departure or Departure()
        self._drains = False
        self._bell = bell or Bell()
        self._due: float | None = None  # seconds from the last look until a step is to be sent
        self._engine = engine
        self._app = app
        self._settings = settings
        self._name = name
        self._children = children
        self._description = Description(settings, name)
        self._broker = Broker(settings)
        self._seen: set[int] = set()
        self._sees_since = self._saw = clock()  # the catalog, without a gap; the last time
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Beat no more and sign off."""
        self._stopped.set()
        self._bell.ring()
        self._thread.join(timeout=5)
        self._try(lambda: workers.leave(self._engine, self._name))

    def _run(self) -> None:
        self._try(lambda: self._register(fresh=True))
        every = {
            self._beat: self._settings.lease_renew,
            self._reconcile: self._settings.reconcile_every,
        }
        due = {action: time.monotonic() + period for action, period in every.items()}
        due[self._tidy] = time.monotonic() + self._first_tidy()
        every[self._tidy] = _TIDY_EVERY
        while self._sleeps_on():
            self._try(self._bury_children)
            if self._departure.drains and not self._drains:
                self._try(self._say_drained)
            self._try(lambda: recover.overdue(self._engine, self._settings.fleet))
            for action, period in every.items():
                if time.monotonic() >= due[action]:
                    due[action] = time.monotonic() + period
                    self._try(action)

    def _first_tidy(self) -> float:
        """Seconds: the run of an embedded fleet need not wait for it, others choose by it."""
        return self._settings.lease if self._settings.fleet.startswith(EMBEDDED) else _FIRST_TIDY

    def _sleeps_on(self) -> bool:
        """Sleep for a tick, but send in time what waits for a time; False to stop."""
        until = time.monotonic() + TICK
        while not self._stopped.is_set() and (left := until - time.monotonic()) > 0:
            self._due = None
            self._try(self._send_due)
            if self._due is not None:
                left = min(left, max(self._due, _SHORTEST))
            self._bell.wait(left)
        return not self._stopped.is_set()

    def _send_due(self) -> None:
        """Send the steps whose time has come, and learn when the next comes."""
        fleet = self._settings.fleet
        self._due = recover.next_due(self._engine, fleet)
        if self._due is None or self._due > 0:
            return
        if self._broker.is_silent():  # before anything is noted as sent
            self._due = None
            return
        reconcile.send(
            self._engine, self._app, recover.stale(self._engine, fleet, lease=self._settings.lease)
        )
        self._due = recover.next_due(self._engine, fleet)

    def _try(self, action: Callable[[], object]) -> None:
        """What cannot be reached now is tried again at the next beat."""
        try:
            with _fork_guard:
                action()
            self._look()
        except (OperationalError, InterfaceError) as error:
            self._saw = float("-inf")
            logger.warning("the heart missed a beat, the catalog is away: %s", error)
        except _AWAY as error:
            logger.warning("the heart missed a beat: %s", error)
        except Exception:  # an edge: whatever is wrong with one look, the next beat must come
            logger.exception("the heart missed a beat; this is an error of fleet itself")

    def _look(self) -> None:
        """The catalog was read: for how long now without a gap?

        A host that slept has one too, and those beside it have not renewed their leases yet either.
        """
        before, self._saw = self._saw, clock()
        if self._saw - before > self._settings.lease / 2:
            self._sees_since = self._saw

    def _register(self, *, fresh: bool = False) -> None:
        workers.register(self._engine, self._description.worker(), fresh=fresh)

    def _beat(self) -> None:
        heard = workers.beat(self._engine, self._name)
        if not heard.known or self._description.news():
            self._register()
        elif heard.drains != self._drains and not self._departure.drains:
            self._drains = heard.drains
            logger.info("drains: takes nothing new" if heard.drains else "takes work again")
            self.on_drain(heard.drains)

    def _say_drained(self) -> None:
        """A signal asked for it: others shall see it, and claims refuse what comes too late."""
        workers.drain(self._engine, self._name)
        self._drains = True

    def _tidy(self) -> None:
        """Tell which Pythons there are, and let what nobody needs any more go."""
        from workers import tidying  # noqa: PLC0415 - the first task need not wait for it

        self._description.look()
        self._register()
        tidying.tidy(self._engine, self._settings)

    def _reconcile(self) -> None:
        patient = clock() - self._sees_since > self._settings.lease
        sends = not self._broker.is_silent()
        healed = reconcile.in_turn(
            self._engine, self._app, self._settings, bury=patient, sends=sends
        )
        if healed:
            logger.warning("reconcile: %s", healed)
        run_values.sweep(self._engine, self._settings)
        if over := working_copies.over(self._settings, self._engine):
            beside("sweep", lambda: working_copies.remove(self._settings, over))

    def _bury_children(self) -> None:
        """The steps of a pool child that died are lost now, not when their lease runs out."""
        alive = set(self._children())
        if alive == self._seen:
            return
        held = holders.held_by(self._engine, self._name)
        alive = set(self._children())  # after the question: who claims now is no suspect
        for pid, claim in held:
            if pid not in alive:
                self._bury(pid, claim)
        self._seen = alive

    def _bury(self, pid: int, claim: Claim) -> None:
        message = f"process {pid} of worker {self._name} was killed while it ran this step"
        logger.warning("%s: %s %s", message, claim.asset, claim.step)
        allowed = self._settings.losses_allowed
        ended = recover.died(self._engine, claim, message, losses_allowed=allowed)
        if self._broker.is_silent():  # reconcile sends what follows
            return
        levels.send_steps(self._engine, self._app, ended.wake)
        self._send_due()  # the step itself, if it may run again
        if ended.asset_done:
            levels.advance(self._engine, self._app, claim.run_id)


def watch_lifeline(descriptor: int, children: Callable[[], Iterable[int]]) -> threading.Thread:
    """End this worker and its children at once when the other end of the pipe is closed.

    Whoever started an embedded fleet holds that end; a killed command leaves nothing behind.
    """

    def watch() -> None:
        while os.read(descriptor, 1):
            pass
        end_now(children)

    thread = threading.Thread(target=watch, name="lifeline", daemon=True)
    thread.start()
    return thread
