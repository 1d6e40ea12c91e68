"""The heart of a worker's main process: heartbeat, reconcile, and an eye on its own children.

A thread that workers.main starts once the worker takes work. It never runs tasks, so long assets
cannot starve it, and it needs no broker to notice what died.
"""

import logging
import os
import platform
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from celery import Celery
from kombu.exceptions import OperationalError as BrokerError
from redis import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from catalog import holders, recover, workers
from catalog.claims import Claim
from catalog.workers import WorkerInfo
from workers import levels, reconcile, run_values
from workers.bell import Bell
from workers.settings import Settings

if TYPE_CHECKING:
    from workers.envs import EnvStore

logger = logging.getLogger(__name__)

TICK = 1.0  # seconds between two looks at the pool's children
_SHORTEST = 0.02  # seconds between two looks at what waits for a time
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
    """Beats until `stop`; `children` tells the process ids of the pool now."""

    def __init__(
        self,
        engine: Engine,
        app: Celery,
        settings: Settings,
        name: str,
        children: Callable[[], Iterable[int]],
        *,
        bell: Bell | None = None,
    ) -> None:
        self._bell = bell or Bell()
        self._due: float | None = None  # seconds from the last look until a step is to be sent
        self._engine = engine
        self._app = app
        self._settings = settings
        self._name = name
        self._children = children
        self._seen: set[int] = set()
        self._blind_until = time.monotonic()  # when the catalog could not be read, the last time
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
        self._try(self._register)
        every = {
            self._beat: self._settings.lease_renew,
            self._reconcile: self._settings.reconcile_every,
        }
        due = {action: time.monotonic() + period for action, period in every.items()}
        due[self._tidy] = time.monotonic() + self._settings.lease  # short runs need not wait for it
        every[self._tidy] = _TIDY_EVERY
        while self._sleeps_on():
            self._try(self._bury_children)
            self._try(lambda: recover.overdue(self._engine, self._settings.fleet))
            for action, period in every.items():
                if time.monotonic() >= due[action]:
                    due[action] = time.monotonic() + period
                    self._try(action)

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
        reconcile.send(self._engine, self._app, recover.stale(self._engine, fleet))
        self._due = recover.next_due(self._engine, fleet)

    def _try(self, action: Callable[[], object]) -> None:
        """What cannot be reached now is tried again at the next beat."""
        try:
            with _fork_guard:
                action()
        except (OperationalError, InterfaceError) as error:
            self._blind_until = time.monotonic()
            logger.warning("the heart missed a beat, the catalog is away: %s", error)
        except _AWAY as error:
            logger.warning("the heart missed a beat: %s", error)
        except Exception:  # an edge: whatever is wrong with one look, the next beat must come
            logger.exception("the heart missed a beat; this is an error of fleet itself")

    def _register(self) -> None:
        workers.register(self._engine, describe(self._settings, self._name))

    def _beat(self) -> None:
        if not workers.beat(self._engine, self._name):
            self._register()

    def _tidy(self) -> None:
        """Tell which Pythons there are, and let old environments go.

        Those may be gigabytes: that is done beside the heart, which beats on.
        """
        from workers.envs import EnvStore  # noqa: PLC0415 - the first task need not wait for these
        from workers.pool import Pool  # noqa: PLC0415

        newest_first = (found.minor for found in Pool(self._settings).versions())
        pythons = tuple(reversed(dict.fromkeys(newest_first)))
        workers.register(self._engine, describe(self._settings, self._name, pythons))
        store = EnvStore(self._settings)
        threading.Thread(target=_evict, args=(store,), name="evict", daemon=True).start()

    def _reconcile(self) -> None:
        patient = time.monotonic() - self._blind_until > self._settings.lease
        healed = reconcile.run_once(self._engine, self._app, self._settings, bury=patient)
        if healed:
            logger.warning("reconcile: %s", healed)
        run_values.sweep(self._engine, self._settings)

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
        levels.send_steps(self._engine, self._app, ended.wake)
        self._send_due()  # the step itself, if it may run again
        if ended.asset_done:
            levels.advance(self._engine, self._app, claim.run_id)


def _evict(store: "EnvStore") -> None:
    try:
        for key in store.evict():
            logger.info("removed environment %s, which was not used", key)
    except OSError as error:
        logger.warning("old environments could not be removed: %s", error)


def describe(settings: Settings, name: str, pythons: tuple[str, ...] = ()) -> WorkerInfo:
    """What this worker says of itself."""
    from importlib.metadata import version  # noqa: PLC0415 - 30 ms that the first task need not wait

    return WorkerInfo(
        name=name,
        fleet=settings.fleet,
        host=socket.gethostname(),
        pid=os.getpid(),
        version=version("bruin-fleet"),
        slots=settings.slot_count,
        queues=settings.queues,
        pythons=pythons,
        info={"platform": platform.platform(), "python": platform.python_version()},
    )


def watch_lifeline(descriptor: int, children: Callable[[], Iterable[int]]) -> threading.Thread:
    """End this worker and its children at once when the other end of the pipe is closed.

    Whoever started an embedded fleet holds that end; a killed command leaves nothing behind.
    """

    def watch() -> None:
        while os.read(descriptor, 1):
            pass
        for pid in children():
            _kill(pid)
        os._exit(1)

    thread = threading.Thread(target=watch, name="lifeline", daemon=True)
    thread.start()
    return thread


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        logger.debug("process %d has gone by itself", pid)
