"""What scenarios may do to a fleet: ours, or one of Celery alone."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tests.support.fault_servers import Broker
from tests.support.hosts import Host


class Rig(Protocol):
    """What scenarios may do to a fleet, ours or Celery's."""

    hosts: list[Host]
    broker: Broker
    run_ids: list[str]

    def begin(self) -> None:
        """Submit the pipeline and start all workers."""

    def start(self, host: Host) -> Any:
        """Start a worker there."""

    def submit(self, tag: str) -> str:
        """One more run; its id."""

    def until(self, true: Callable[[], Any], seconds: float = 60.0) -> Any:
        """What `true` gives as soon as it gives something."""

    def ended(self, run_id: str) -> str:
        """The state in which a run has ended, empty while it goes on."""

    def busy(self, host: Host, what: str) -> bool:
        """Whether it is in a "materialize", a "long" one, "load" or "checks" now."""

    def alive(self, host: Host) -> bool:
        """Whether the worker that was started there runs."""

    def fill(self, full: bool) -> None:
        """Fill the storage, or make room again."""

    def main(self, host: Host) -> int:
        """Process id of the host's worker."""

    def pool(self, host: Host) -> list[int]:
        """Process ids of its pool's children."""

    def addresses(self) -> Mapping[str, str]:
        """Of broker, catalog and destination."""

    def catalog(self, *, up: bool) -> None:
        """Start the catalog's server, or end it at once."""
