"""Keeps a claim while its step runs: renews the lease, carries progress, says when to stop.

A thread of the process that runs the step, started by workers.attempt. When the catalog is away the
step goes on: nobody else can claim it then either; it stops when it hears that the claim is lost.
"""

import logging
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from catalog import claims, holders
from catalog.claims import Claim, Standing
from workers.pulse import Pulse, clock

logger = logging.getLogger(__name__)

CANCELLED = "cancelled"
FENCED = "fenced"
TICK = 1.0  # seconds until a cancelled run is noticed


class StopFlag:
    """Why the step must end, once there is a reason. Given to the step as `context.stop`."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._reason: str | None = None
        self.words = ""  # the reason as a person wrote it

    @property
    def reason(self) -> str | None:
        """ "cancelled", "fenced", or None."""
        return self._reason

    def wait(self, timeout: float) -> str | None:
        """Sleep up to `timeout` seconds, waking at once for a reason, which is returned."""
        self._event.wait(timeout)
        return self._reason

    def set(self, reason: str, words: str = "") -> None:
        """Say that the step must end; fenced overrules cancelled, nothing overrules fenced."""
        if self._reason != FENCED:
            self._reason, self.words = reason, words
        self._event.set()


class Keeper:
    """Holds one claim from `with` to its end."""

    def __init__(self, engine: Engine, claim: Claim, *, lease: float, renew: float) -> None:
        self.stop = StopFlag()
        self.pulse = Pulse(lease, renew=renew)
        self._engine = engine
        self._claim = claim
        self._lease = lease
        self._renew = renew
        self._done = threading.Event()
        self._progress: Mapping[str, Any] | None = None
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def progress(self, values: Mapping[str, Any]) -> None:
        """Remember how far the step is; shown within a second, only the newest counts."""
        self._progress = dict(values)

    def may_commit(self) -> bool:
        """Whether the claim surely stands now and nothing asks the step to end."""
        return self.stop.reason is None and self.pulse.fresh

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        renewed = time.monotonic()
        while not self._done.wait(TICK):
            due = time.monotonic() - renewed >= self._renew - TICK / 2
            try:
                standing = self._hold() if due or self._progress is not None else self._look()
            except SQLAlchemyError as error:
                logger.warning("%s keeps running without the catalog: %s", self._claim.asset, error)
                continue
            if due:
                renewed = time.monotonic()
            self._heed(standing)

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
