"""Names of the queues that messages wait in. For workers.contract, settings, routing and the CLI.

A step waits in the queue of its asset's `instance`, or in one of a host: `@HOST` for what any
worker there may take, `@HOST:INSTANCE` for what only its workers of that instance may. Every
worker also takes the messages that move runs on. Standard library only.
"""

import hashlib
import re
from collections.abc import Collection

from assets_parser.queue_names import fault

GENERAL = "fleet"
"""Of assets without an instance."""

CONTROL = "fleet.advance"
"""Of what moves runs on: any worker can."""

ANY = "*"
"""As a worker's queue: it takes the assets of every instance, as a fleet of one host must."""

_HOST_LENGTH = 80


def of(instance: str) -> str:
    """The queue of assets of an instance."""
    return instance or GENERAL


def of_host(host: str, queue: str = GENERAL) -> str:
    """The queue of what only the workers of one host shall take, of those that serve `queue`."""
    return f"@{_safe(host)}" if queue == GENERAL else f"@{_safe(host)}:{queue}"


def taken_by(queues: Collection[str], host: str) -> tuple[str, ...]:
    """All that a worker of these queues listens to, what moves runs on first."""
    own = [of_host(host, queue) for queue in queues]
    also = [GENERAL, of_host(host)] if ANY in queues else []
    return tuple(dict.fromkeys([CONTROL, *own, *queues, *also]))


def is_one(name: str) -> bool:
    """Whether a message may be sent to this queue."""
    if name in (CONTROL, ANY):
        return True
    if not name.startswith("@"):
        return not fault(name)
    host, _, queue = name[1:].partition(":")
    named = not queue or queue == ANY or not fault(queue)
    return bool(host) and _safe(host) == host and named


def _safe(host: str) -> str:
    """The host's name as a queue's may hold it; different names stay different."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", host)[:_HOST_LENGTH]
    if safe == host:
        return safe
    return f"{safe[:60]}-{hashlib.sha256(host.encode()).hexdigest()[:12]}"
