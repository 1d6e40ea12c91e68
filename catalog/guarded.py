"""Does one thing for many runs: a broken one holds up no other. For recover and reconcile."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError

logger = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")

AWAY: tuple[type[Exception], ...] = (OperationalError, InterfaceError)
"""What says that the catalog itself is away: that is no fault of one run, and is raised."""


def each(
    items: Iterable[T], act: Callable[[T], R], *, away: tuple[type[Exception], ...] = AWAY
) -> list[tuple[T, R]]:
    """What `act` gave for each item for which it went well; the errors of others are logged."""
    done: list[tuple[T, R]] = []
    for item in items:
        try:
            done.append((item, act(item)))
        except away:
            raise
        except Exception:  # an edge: whatever is wrong with one run, the others must go on
            logger.exception("could not heal %s", item)
    return done
