"""What goes wrong, one function for each fault: it waits for its moment, breaks, perhaps mends.

They know a Rig only, so that fleet and Celery alone are hit in the same way. Each returns the
moment of the fault in seconds of the machine's monotonic clock.
"""

import random
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.support.fault_servers import Broker
from tests.support.hosts import Host

LEASE = 4.0
LONG = 2.5 * LEASE  # of pauses and cuts that go past the lease


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
        """Whether it is in a "materialize", "load" or "checks" now."""

    def main(self, host: Host) -> int:
        """Process id of the host's worker."""

    def pool(self, host: Host) -> list[int]:
        """Process ids of its pool's children."""

    def addresses(self) -> Mapping[str, str]:
        """Of broker, catalog and destination."""

    def catalog(self, *, up: bool) -> None:
        """Start the catalog's server, or end it at once."""


Fault = Callable[[Rig], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A fault, and what a fleet must be told for it."""

    fault: Fault
    words: str
    settings: Mapping[str, str] = field(default_factory=dict)
    crash: str = ""  # a named point where a worker of the second host ends
    celery: bool = True  # whether it makes sense for Celery alone


def now() -> float:
    """Seconds of the machine's monotonic clock, as journals have them."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def moment(rig: Rig, what: str, host: int = 1) -> float:
    """Wait until that host does that; the time."""
    victim = rig.hosts[host]
    found = rig.until(lambda: rig.busy(victim, what), 40)
    assert found, f"{victim.name} never came to {what}"
    return now()


def killed_in(what: str) -> Fault:
    """A worker's main process is killed -9 while it does that; the others take over."""

    def fault(rig: Rig) -> float:
        at = moment(rig, what)
        rig.hosts[1].signal(signal.SIGKILL, [rig.main(rig.hosts[1])])
        return at

    return fault


def host_lost(rig: Rig) -> float:
    """All of a host ends at once, as without power, and stays away."""
    at = moment(rig, "materialize")
    rig.hosts[1].signal(signal.SIGKILL)
    return at


def files_host_restarted(rig: Rig) -> float:
    """The host of the database files loses its worker; a service manager restarts it."""
    at = moment(rig, "materialize", 0)
    rig.hosts[0].signal(signal.SIGKILL, [rig.main(rig.hosts[0])])
    time.sleep(2)
    rig.start(rig.hosts[0])
    return at


def cut_from(*services: str, out: bool = True, into: bool = True) -> Fault:
    """A host is cut off from these services for longer than its lease, and comes back."""

    def fault(rig: Rig) -> float:
        at = moment(rig, "materialize")
        rig.hosts[1].cut(*(rig.addresses()[name] for name in services), out=out, into=into)
        time.sleep(LONG)
        rig.hosts[1].heal()
        return at

    return fault


def stopped(which: str, what: str = "materialize") -> Fault:
    """A worker's tree, main process or pool child stands still past its lease, and goes on."""

    def fault(rig: Rig) -> float:
        host = rig.hosts[1]
        at = moment(rig, what)
        every: dict[str, Callable[[], list[int]]] = {
            "tree": host.pids,
            "main": lambda: [rig.main(host)],
            "child": lambda: rig.pool(host),
        }
        pids = every[which]()
        host.signal(signal.SIGSTOP, pids)
        time.sleep(LONG)
        host.signal(signal.SIGCONT, pids)
        return at

    return fault


def broker_lost(*, empty: bool) -> Fault:
    """The broker is killed -9 and comes back a second later."""

    def fault(rig: Rig) -> float:
        at = moment(rig, "materialize")
        rig.broker.kill()
        time.sleep(1)
        rig.broker.start(empty=empty)
        return at

    return fault


def catalog_lost(seconds: float) -> Fault:
    """The catalog's server ends at once and comes back after a time."""

    def fault(rig: Rig) -> float:
        at = moment(rig, "materialize")
        rig.catalog(up=False)
        time.sleep(seconds)
        rig.catalog(up=True)
        return at

    return fault


def random_kills(seconds: float) -> Fault:
    """Every two seconds some worker's main process or pool child is killed; mains are restarted.

    Whenever a run has ended meanwhile, the next one begins.
    """

    def fault(rig: Rig) -> float:
        chance = random.Random(23)
        at = now()
        while now() - at < seconds:
            time.sleep(2)
            host = chance.choice(rig.hosts)
            children = rig.pool(host)
            main = not children or chance.random() < 0.5
            victim = rig.main(host) if main else chance.choice(children)
            host.signal(signal.SIGKILL, [victim])
            if main:
                rig.start(host)
            if rig.ended(rig.run_ids[-1]):
                rig.submit(f"run{len(rig.run_ids)}")
        return at

    return fault


def crashed(rig: Rig) -> float:
    """A named point of the code ends the process that reaches it; the rig was told which."""
    return now()


def nothing(rig: Rig) -> float:
    """The undisturbed run, to compare with."""
    return now()


def second_run(rig: Rig) -> float:
    """Another dispatcher submits the same pipeline while the first run goes on."""
    rig.submit("two")
    return now()


ALL = ("broker", "catalog", "destination")
#: Short of pauses, a run may lose a step more often than the default lets it.
OFTEN = {"FLEET_LOSSES_ALLOWED": "50"}

SCENARIOS: Mapping[str, Scenario] = {
    "nothing": Scenario(fault=nothing, words="no fault"),
    "kill-materialize": Scenario(
        fault=killed_in("materialize"), words="worker killed -9 in materialize"
    ),
    "kill-load": Scenario(fault=killed_in("load"), words="worker killed -9 in load"),
    "kill-checks": Scenario(fault=killed_in("checks"), words="worker killed -9 in checks"),
    "host-lost": Scenario(fault=host_lost, words="host lost at once, for good"),
    "files-host": Scenario(
        fault=files_host_restarted, words="worker of the files' host killed -9, restarted"
    ),
    "cut-off": Scenario(fault=cut_from(*ALL), words="host cut off past its lease, comes back"),
    "cut-out": Scenario(fault=cut_from(*ALL, into=False), words="... what it sends only"),
    "cut-in": Scenario(fault=cut_from(*ALL, out=False), words="... what it receives only"),
    "cut-broker": Scenario(fault=cut_from("broker"), words="... from the broker only"),
    "cut-catalog": Scenario(
        fault=cut_from("catalog"), words="... from the catalog only", celery=False
    ),
    "cut-destination": Scenario(fault=cut_from("destination"), words="... from PostgreSQL only"),
    "stop-tree": Scenario(fault=stopped("tree"), words="whole worker SIGSTOPped past its lease"),
    "stop-load": Scenario(fault=stopped("tree", "load"), words="... while it loads"),
    "stop-main": Scenario(fault=stopped("main"), words="... its main process only"),
    "stop-child": Scenario(fault=stopped("child"), words="... its pool's children only"),
    "broker-empty": Scenario(fault=broker_lost(empty=True), words="broker killed, restarted empty"),
    "broker-data": Scenario(
        fault=broker_lost(empty=False), words="broker killed, restarted with its data"
    ),
    "catalog": Scenario(
        fault=catalog_lost(2), words="catalog killed, back after 2 s", celery=False
    ),
    "catalog-long": Scenario(
        fault=catalog_lost(LONG), words="catalog away for longer than a lease", celery=False
    ),
    "two-runs": Scenario(fault=second_run, words="two dispatchers submit the same pipeline"),
    "random": Scenario(
        fault=random_kills(60), words="a kill every 2 s for a minute", settings=OFTEN
    ),
}
