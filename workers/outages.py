"""Outages: work waits for a catalog that is away, and asks whether the broker is there.

Used by workers.steps and workers.attempt. During an outage of the catalog nobody can claim what is
claimed; when it is back nobody is declared lost before a whole lease has gone by.
"""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError

from workers.settings import Settings

if TYPE_CHECKING:
    from redis import Redis

    from workers.context import StepContext

logger = logging.getLogger(__name__)

PATIENCE = 600.0  # seconds; what has not been recorded by then counts as lost with its lease
_PAUSE = 1.0
_ANSWERS_WITHIN = 2.0  # seconds

T = TypeVar("T")


def patiently(
    action: Callable[[], T], purpose: str, leaving: Callable[[], bool] = lambda: False
) -> T:
    """What `action` gives, tried again while the catalog is away, for ten minutes at most.

    The worker that is told to stop at once does not wait.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return action()
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() > deadline or leaving():
                raise
            logger.warning("waiting for the catalog %s: %s", purpose, error)
            time.sleep(_PAUSE)


def asked(context: "StepContext", action: Callable[[], T]) -> T:
    """What the catalog answers a step that goes on; it does not wait once the step must stop."""
    return patiently(action, "to go on", lambda: context.stop.reason is not None)


class Broker:
    """Asks the broker whether it is there. Of one process; connects when first asked."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.broker
        self._within = min(_ANSWERS_WITHIN, settings.lease / 10)
        self._client: Redis | None = None

    def answers(self) -> bool:
        """Whether it says so at once."""
        from redis import RedisError  # noqa: PLC0415 - only in an outage of the catalog

        if not self._url:
            return False
        self._client = self._client or self._connect()
        try:
            return bool(self._client.ping())
        except (RedisError, OSError) as error:
            logger.warning("neither catalog nor broker can be reached: %s", error)
            return False

    def is_silent(self) -> bool:
        """Whether it gives no answer, be it a refusal: who sent now would wait for minutes."""
        from redis import ConnectionError as Cut  # noqa: PLC0415 - as above
        from redis import RedisError  # noqa: PLC0415
        from redis import TimeoutError as Late  # noqa: PLC0415

        try:
            self._client = self._client or self._connect()
            self._client.ping()
        except (Cut, Late, OSError) as error:
            logger.warning("the broker does not answer: %s", error)
            return True
        except RedisError as error:
            logger.debug("the broker answers a ping with: %s", error)
        return False

    def _connect(self) -> "Redis":
        from redis import Redis  # noqa: PLC0415 - as above
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415

        within, once = self._within, Retry(NoBackoff(), 0)
        return Redis.from_url(
            self._url, socket_timeout=within, socket_connect_timeout=within, retry=once
        )
