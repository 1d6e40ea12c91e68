"""What goes wrong, one function for each fault: it waits for its moment, breaks, perhaps mends.

They know a Rig only, so that fleet and Celery alone are hit in the same way. Each returns the
moment of the fault in seconds of the machine's monotonic clock.
"""

import random
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.faults.pipeline import POISON
from tests.faults.rig import Rig
from tests.support.hosts import Host

LEASE = 4.0
LONG = 2.5 * LEASE  # of pauses and cuts that go past the lease


Fault = Callable[[Rig], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A fault, and what a fleet must be told for it."""

    fault: Fault
    words: str
    settings: Mapping[str, str] = field(default_factory=dict)
    crash: str = ""  # named points where processes end, see workers.crash_points
    celery: bool = True  # whether it makes sense for Celery alone
    fails: Mapping[str, str] = field(default_factory=dict)  # assets that must fail, with a word why
    may_fail: str = ""  # a pattern of good reasons for assets to fail
    extra: Mapping[str, str] = field(default_factory=dict)  # more files of the pipeline
    small_storage: int = 0  # bytes, if the storage is a disk of its own
    killed: bool = False  # whether the dispatcher dies right after it recorded the run


def now() -> float:
    """Seconds of the machine's monotonic clock, as journals have them."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def victim(rig: Rig, what: str) -> tuple[float, Host]:
    """Wait until one of the hosts without database files does that; the time, and which one."""
    hosts = rig.hosts[1:]
    found = rig.until(lambda: next((one for one in hosts if rig.busy(one, what)), None), 60)
    if found is None and what == "long":  # all of them went to the first host
        return victim(rig, "materialize")
    assert found, f"no host but the first ever came to {what}"
    return now(), found


def killed_in(what: str) -> Fault:
    """A worker's main process is killed -9 while it does that; the others take over."""

    def fault(rig: Rig) -> float:
        at, host = victim(rig, what)
        host.signal(signal.SIGKILL, [rig.main(host)])
        return at

    return fault


def host_lost(rig: Rig) -> float:
    """All of a host ends at once, as without power, and stays away."""
    at, host = victim(rig, "long")
    host.signal(signal.SIGKILL)
    return at


def files_host_restarted(rig: Rig) -> float:
    """The host of the database files loses its worker; a service manager restarts it."""
    assert rig.until(lambda: rig.busy(rig.hosts[0], "materialize"), 60), "it was never busy"
    at = now()
    rig.hosts[0].signal(signal.SIGKILL, [rig.main(rig.hosts[0])])
    time.sleep(2)
    rig.start(rig.hosts[0])
    return at


def cut_from(*services: str, out: bool = True, into: bool = True) -> Fault:
    """A host is cut off from these services for longer than its lease, and comes back."""

    def fault(rig: Rig) -> float:
        at, host = victim(rig, "long")
        host.cut(*(rig.addresses()[name] for name in services), out=out, into=into)
        time.sleep(LONG)
        host.heal()
        return at

    return fault


def stopped(which: str, what: str = "long") -> Fault:
    """A worker's tree, main process or pool child stands still past its lease, and goes on."""

    def fault(rig: Rig) -> float:
        at, host = victim(rig, what)
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
        at, _ = victim(rig, "long")
        rig.broker.kill()
        time.sleep(1)
        rig.broker.start(empty=empty)
        return at

    return fault


def catalog_lost(seconds: float) -> Fault:
    """The catalog's server ends at once and comes back after a time."""

    def fault(rig: Rig) -> float:
        at, _ = victim(rig, "long")
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


def restarted(rig: Rig) -> float:
    """Whatever ends workers, a service manager starts them again until the run has ended."""
    at = now()
    while now() - at < 120 and not rig.ended(rig.run_ids[0]):
        for host in rig.hosts:
            if not rig.alive(host):
                rig.start(host)
        time.sleep(0.5)
    return at


def disk_full(rig: Rig) -> float:
    """The storage is full for some seconds."""
    at, _ = victim(rig, "long")
    rig.fill(True)
    time.sleep(LEASE)
    rig.fill(False)
    return at


def nothing(rig: Rig) -> float:
    """The undisturbed run, to compare with."""
    return now()


def second_run(rig: Rig) -> float:
    """Another dispatcher submits the same pipeline while the first run goes on."""
    rig.submit("two")
    return now()


_POINTS = (
    "claim:before=5",
    "claim:after=9",
    "storage:before-rename=3",
    "storage:renamed=5",
    "load:begin=2",
    "load:staged=4",
    "load:before-commit=6",
    "load:after-commit=8",
    "query.before_commit=2",
    "query.after_commit=3",
    "end:before=12",
    "end:recorded=17",
    "end:before-ack=23",
    "level:advanced=3",
    "level:published=1",
    "publish=15",
)


def points(action: str) -> str:
    """All named points with what is to happen there; each at another time that it is reached."""
    parts = (point.partition("=") for point in _POINTS)
    return ",".join(f"{point}={action}:{nth}" for point, _, nth in parts)


ALL = ("broker", "catalog", "destination")
#: Short of pauses, a run may lose a step more often than the default lets it.
OFTEN = {"FLEET_LOSSES_ALLOWED": "50"}

SCENARIOS: Mapping[str, Scenario] = {
    "nothing": Scenario(fault=nothing, words="no fault"),
    "kill-materialize": Scenario(fault=killed_in("long"), words="worker killed -9 in materialize"),
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
    "dispatcher": Scenario(
        fault=nothing, words="dispatcher killed -9 after it recorded the run", killed=True
    ),
    "crash-child": Scenario(
        fault=restarted,
        words="pool child ends at each of the named points",
        crash=points("kill"),
        celery=False,
    ),
    "crash-main": Scenario(
        fault=restarted,
        words="worker ends at each of the named points",
        crash=points("main"),
        celery=False,
    ),
    "poison": Scenario(
        fault=restarted,
        words="an asset that kills its worker every time",
        extra={"assets/poison.py": POISON},
        fails={"f.poison": "lost"},
        celery=False,
    ),
    "disk-full": Scenario(
        fault=disk_full,
        words="storage full for a lease",
        small_storage=64 * 2**20,
        may_fail="(?i)no space|make room|storage|log cannot be written",
        celery=False,
    ),
}
