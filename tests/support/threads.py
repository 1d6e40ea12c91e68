"""Calls that begin at the same moment, in threads."""

import threading
from collections.abc import Callable
from typing import Any


def together(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
    """What two calls give that begin at the same moment in two threads; raises what they raise."""
    barrier, got = threading.Barrier(2), [None, None]
    errors: list[BaseException] = []

    def go(place: int, call: Callable[[], Any]) -> None:
        try:
            barrier.wait(120)
            got[place] = call()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=go, args=pair) for pair in enumerate((first, second))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "a call has not come back"
    if errors:
        raise errors[0]
    return got[0], got[1]
