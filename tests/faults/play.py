"""Plays one scenario on a fleet and says what came of it. For test_faults and scripts/faults."""

import dataclasses
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.projects import write
from tests.faults import checker
from tests.faults.disk import Disk
from tests.faults.scenarios import SCENARIOS, Scenario, now
from tests.faults.site import Ground, Site
from tests.support.hosts import Host
from workers import crash_points


@dataclass(slots=True, kw_only=True)
class Outcome:
    """The figures of one scenario, and what is wrong with it."""

    name: str
    states: list[str] = field(default_factory=list)
    seconds: float = 0.0  # from the fault to the end of the last run
    recovery: float | None = 0.0  # until what was broken off had been done again; None: never
    duplicates: int = 0
    losses: int = 0
    again: int = 0
    failed: list[str] = field(default_factory=list)  # assets that did not succeed
    faults: list[str] = field(default_factory=list)

    def line(self) -> str:
        """One line of a table."""
        states = ", ".join(sorted(set(self.states)))
        recovered = "never" if self.recovery is None else f"{self.recovery:.1f} s"
        figures = f"{self.seconds:6.1f} s to the end, {recovered:>6} to recover"
        rows = f"{self.duplicates} rows doubled, {self.losses} lost, {self.again} starts again"
        return f"{self.name:18} {states:10} {figures}, {rows}"

    def write(self, path: Path) -> None:
        """Add the figures to a file of JSON lines."""
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(dataclasses.asdict(self)) + "\n")


class Reached(NamedTuple):
    """A process that came to a named point."""

    point: str
    pid: int


class Fleet(Site):
    """A Rig made of our own workers."""

    patience = 150.0  # seconds for a run to end after the fault

    def __init__(
        self, ground: Ground, name: str, scenario: Scenario, *, module: str = "", **options: Any
    ) -> None:
        super().__init__(ground, name, settings=scenario.settings, **options)
        self._scenario = scenario
        self._module = module or "workers.main"
        self._disk = Disk(self.folder / "storage", scenario.small_storage)
        write(self.project, scenario.extra)

    @property
    def run_ids(self) -> list[str]:
        """The runs so far, in order."""
        return list(self.tags)

    def begin(self) -> None:
        """The first host makes the database files; then the others come."""
        self.start(self.hosts[0])
        if self._scenario.killed:
            self.submit_and_die("one")
        else:
            self.submit("one")
        made = self.until(self._made, 120)
        why = [*self.reasons(self.run_ids[0]).values(), self.said(self.hosts[0])]
        assert made, "the first assets did not end:\n" + "\n".join(why)
        for host in self.hosts[1:]:
            self.start(host)

    def _made(self) -> bool:
        """Whether the database files are there; a point that ends the first worker ends no run."""
        if self._scenario.crash and not self.alive(self.hosts[0]):
            self.start(self.hosts[0])
        return self.files_made()

    def start(self, host: Host, **more: str) -> Any:
        """Start a worker, of the module that this fleet is told, with its named points."""
        points = {"FLEET_CRASH": self._scenario.crash, "FLEET_CRASH_LOG": str(self._crash_log)}
        more = points | more if self._scenario.crash else more
        return self.start_module(host, self._module, **more)

    @property
    def _crash_log(self) -> Path:
        return self.folder / "crashes"

    def unreached(self) -> list[str]:
        """The named points that no process reached as often as was wanted."""
        if not self._scenario.crash:
            return []
        seen = Counter(one.point for one in self.reached())
        wanted = crash_points.parsed(self._scenario.crash)
        return [f"{point} was never reached" for point, c in wanted.items() if seen[point] < c.nth]

    def reached(self) -> list[Reached]:
        """Which process reached which point, in order."""
        if not self._crash_log.exists():
            return []
        lines = self._crash_log.read_text("utf-8").splitlines()
        return [Reached(point, int(pid)) for point, _, pid in (x.partition(" ") for x in lines)]

    def alive(self, host: Host) -> bool:
        """Whether the worker that was started there runs."""
        return self.workers[host.name].poll() is None

    def fill(self, full: bool) -> None:
        """Fill the storage, or make room again."""
        self._disk.fill(full)

    def close(self) -> None:
        """End what this scenario started."""
        super().rest()
        self._disk.close()
        super().close()

    def ended(self, run_id: str) -> str:
        """The state in which a run has ended, empty while it goes on."""
        return self._end(run_id)

    def busy(self, host: Host, what: str) -> bool:
        """Whether asset code, a long one perhaps, or a step of another kind runs there."""
        if what in ("materialize", "long"):
            lines = checker.journal([self.data(host) / "journal"])
            return checker.busy(lines, self.assets, long=what == "long")
        begun = f"worker LIKE '{host.name}-%' AND state = 'running' AND step = '{what}'"
        return self.step(begun) is not None

    def main(self, host: Host) -> int:
        """Process id of the host's worker."""
        return self.workers[host.name].pid

    def pool(self, host: Host) -> list[int]:
        """Process ids of its pool's children."""
        return self.tree(host).pool() if self.workers[host.name].poll() is None else []

    def addresses(self) -> Mapping[str, str]:
        """Of broker, catalog and destination."""
        ground = self.ground
        return {
            "broker": ground.broker_address,
            "catalog": ground.catalog.server.host,
            "destination": ground.target.server.host,
        }

    def catalog(self, *, up: bool) -> None:
        """Start the catalog's server, or end it at once."""
        if up:
            self.ground.catalog.start()
        else:
            self.ground.catalog.kill()


def play(ground: Ground, name: str, *, rig: Callable[..., Any] = Fleet, **options: Any) -> Outcome:
    """Let the fault of that name hit a run, wait for its end, judge what is left."""
    scenario = SCENARIOS[name]
    fleet = rig(ground, name, scenario, **options)
    outcome = Outcome(name=name)
    try:
        fleet.begin()
        _hit(fleet, scenario, outcome)
        _judge(fleet, outcome)
    except AssertionError as error:  # it did not come to the fault: said with the others
        outcome.faults += str(error).splitlines()
    finally:
        fleet.close()
    return outcome


def _hit(fleet: Any, scenario: Scenario, outcome: Outcome) -> None:
    at = scenario.fault(fleet)
    deadline = time.monotonic() + fleet.patience
    for run_id in fleet.run_ids:
        state = fleet.wait(run_id, max(1.0, deadline - time.monotonic()))
        outcome.states.append(state)
        _judge_end(fleet.reasons(run_id), scenario, f"run {run_id} {state}", outcome)
    outcome.seconds = now() - at
    outcome.recovery = checker.recovery(fleet.lines(), at)


def _judge_end(reasons: Mapping[str, str], scenario: Scenario, end: str, outcome: Outcome) -> None:
    """A run must succeed, or fail for the reason that the scenario gives it."""
    good = "failed" if scenario.fails else "succeeded"
    may = bool(scenario.may_fail) and end.endswith("failed")
    if not may and not end.endswith(good):
        outcome.faults.append(end)
    for asset, reason in reasons.items():
        word = scenario.fails.get(asset, scenario.may_fail or "(?!)")
        outcome.failed.append(asset)
        if not re.search(word, reason) and not (may and "upstream" in reason):
            outcome.faults.append(f"{asset}: {reason}")
    if missing := scenario.fails.keys() - reasons.keys():
        outcome.faults.append(f"{sorted(missing)} did not fail")


def _judge(fleet: Any, outcome: Outcome) -> None:
    if not fleet.until(lambda: not fleet.orphans(), 30):
        outcome.faults += [f"orphan on {words}" for words in fleet.orphans()]
    fleet.rest()
    verdict = fleet.judge(outcome.failed)
    outcome.faults += [*verdict.faults, *fleet.unreached()]
    outcome.duplicates, outcome.losses = verdict.duplicates, verdict.losses
    outcome.again = verdict.again
