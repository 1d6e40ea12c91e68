"""Threads beside a worker's heart, for what takes long. Heart and workers.tidying start them."""

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


def beside(name: str, act: Callable[[], object]) -> None:
    """Do it beside the heart, which beats on: it may be gigabytes, or a network. No catalog in it.

    What is not done now is done the next time; two never do the same at once.
    """
    if any(thread.name == name for thread in threading.enumerate()):
        return

    def work() -> None:
        try:
            act()
        except OSError as error:
            logger.warning("%s: %s", name, error)

    threading.Thread(target=work, name=name, daemon=True).start()
