"""Keeps a claim while its step runs: renews the lease, carries progress, says when to stop.

Two threads of the process that runs the step, started by workers.attempt. While the catalog alone
is away the step goes on: nobody else can claim it then either. It stops when it hears that the
claim is lost, when this host is cut off, or when the worker is told to stop.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from catalog import claims, holders
from catalog.claims import Claim, Standing
from workers.pulse import Pulse, clock, of_thread

logger = logging.getLogger(__name__)

CANCELLED = "cancelled"
FENCED = "fenced"  # the claim is somebody else's, or its step is over
CUT_OFF = "cut off"  # the claim may be lost: what the step had started was ended
STOPPING = "stopping"  # the worker ends, and waits for nothing
TICK = 1.0  # seconds until a cancelled run is noticed
_LOOKS = 40  # at the pulse within a lease

_RANK = {CUT_OFF: 0, STOPPING: 0, CANCELLED: 1, FENCED: 2}
_WORDS = {
    CUT_OFF: "the worker was paused, or reached neither catalog nor broker, for most of the lease",
    STOPPING: "the worker was told to stop",
}


class StopFlag:
    """Why the step must end, once there is a reason. Given to the step as `context.stop`."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._reason: str | None = None
        self.words = ""  # the reason as a person wrote it

    @property
    def reason(self) -> str | None:
        """ "cancelled", "fenced", "cut off", "stopping", or None."""
        return self._reason

    def wait(self, timeout: float) -> str | None:
        """Sleep up to `timeout` seconds, waking at once for a reason, which is returned."""
        self._event.wait(timeout)
        return self._reason

    def set(self, reason: str, words: str = "") -> None:
        """Say that the step must end; what the catalog says overrules, a fence overrules all."""
        if self._reason is None or _RANK[reason] >= _RANK[self._reason]:
            self._reason, self.words = reason, words or _WORDS.get(reason, "")
        self._event.set()


class Keeper:
    """Holds one claim from `with` to its end.

    `since` is the time by the pulse's clock before which the claim was not asked for, `connected`
    says whether the broker answers, `leaving` whether the worker is told to stop at once.
    """

    def __init__(
        self,
        engine: Engine,
        claim: Claim,
        *,
        lease: float,
        renew: float,
        since: float | None = None,
        connected: Callable[[], bool] = lambda: False,
        leaving: Callable[[], bool] = lambda: False,
    ) -> None:
        self.stop = StopFlag()
        self.pulse = Pulse(lease, renew=renew, since=since, connected=connected)
        self._engine = engine
        self._claim = claim
        self._lease = lease
        self._renew = renew
        self._leaving = leaving
        self._done = threading.Event()
        self._progress: Mapping[str, Any] | None = None
        self._threads = [
            threading.Thread(target=self._run, name="keeper", daemon=True),
            # the catalog may keep the other one waiting
            threading.Thread(target=self._watch, name="pulse", daemon=True),
        ]
        self._of_thread = of_thread(self.pulse)

    def progress(self, values: Mapping[str, Any]) -> None:
        """Remember how far the step is; shown within a second, only the newest counts."""
        self._progress = dict(values)

    def may_commit(self) -> bool:
        """Whether the claim surely stands now and nothing asks the step to end."""
        return self.stop.reason is None and self.pulse.fresh

    def __enter__(self) -> Self:
        if not self.pulse.fresh:  # whoever claimed was paused, or waited for the catalog
            self._try(self._hold)
            self.pulse.forgive()
        for thread in self._threads:
            thread.start()
        self._of_thread.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._of_thread.__exit__(None, None, None)
        for thread in self._threads:
            thread.join()
        if self.pulse.gone:  # the work may have ended before that was seen
            self.stop.set(CUT_OFF)

    def _watch(self) -> None:
        """Feel the pulse, whatever the catalog is doing."""
        while not self._done.wait(min(TICK, self._lease / _LOOKS)):
            if self.pulse.gone:
                self.stop.set(CUT_OFF)
            elif self.stop.reason != FENCED:
                self.pulse.look()
            if self._leaving():
                self.stop.set(STOPPING)

    def _run(self) -> None:
        renewed, tick = time.monotonic(), min(TICK, self._renew)
        while not self._done.wait(tick):
            due = time.monotonic() - renewed >= self._renew - tick / 2
            asked = self._try(self._hold if due or self._progress is not None else self._look)
            if due and asked:
                renewed = time.monotonic()

    def _try(self, ask: Callable[[], Standing]) -> bool:
        """Ask the catalog and heed its answer; whether there was one."""
        try:
            self._heed(ask())
        except SQLAlchemyError as error:
            logger.warning("%s keeps running without the catalog: %s", self._claim.asset, error)
            return False
        except Exception:  # an edge: a thread that died here would let the claim lapse unseen
            logger.exception("%s: an error of fleet itself", self._claim.asset)
            return False
        return True

    def _hold(self) -> Standing:
        progress, self._progress = self._progress, None
        at = clock()
        standing = claims.renew(self._engine, self._claim, lease=self._lease, progress=progress)
        if not standing.fenced:
            self.pulse.renewed(at)
        return standing

    def _look(self) -> Standing:
        return holders.standing(self._engine, self._claim)

    def _heed(self, standing: Standing) -> None:
        if standing.fenced:
            self.stop.set(FENCED, standing.reason)
        elif standing.cancelled:
            self.stop.set(CANCELLED, standing.reason)
