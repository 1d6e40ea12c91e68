"""Plays one scenario on a fleet and says what came of it. For test_faults and scripts/faults."""

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults import checker
from tests.faults.scenarios import SCENARIOS, Fault, now
from tests.faults.site import Ground, Site
from tests.support.hosts import Host


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


class Fleet(Site):
    """A Rig made of our own workers."""

    patience = 90.0  # seconds for a run to end after the fault

    def __init__(self, ground: Ground, name: str, *, crash: str = "", **options: Any) -> None:
        super().__init__(ground, name, **options)
        self.module = "workers.main"
        self._crash = {"FLEET_CRASH": crash} if crash else {}

    @property
    def run_ids(self) -> list[str]:
        """The runs so far, in order."""
        return list(self.tags)

    def begin(self) -> None:
        """The first host makes the database files; then the others come."""
        self.start(self.hosts[0])
        self.submit("one")
        made = self.until(self.files_made, 60)
        why = [*self.reasons(self.run_ids[0])[:3], self.said(self.hosts[0])]
        assert made, "the first assets did not end:\n" + "\n".join(why)
        for host in self.hosts[1:]:
            crash = self._crash if host is self.hosts[1] else {}
            self.start(host, **crash, FLEET_CRASH_LOG=str(self.crash_log))

    @property
    def crash_log(self) -> Path:
        """Where named points say that they were reached."""
        return self.folder / "crashes"

    def start(self, host: Host, module: str = "", **more: str) -> Any:
        """Start a worker, of the module that this fleet is told."""
        return super().start(host, module or self.module, **more)

    def ended(self, run_id: str) -> str:
        """The state in which a run has ended, empty while it goes on."""
        return self._end(run_id)

    def busy(self, host: Host, what: str) -> bool:
        """Whether asset code, or a step of another kind, runs there."""
        if what == "materialize":
            lines = checker.journal([self.data(host) / "journal"])
            return bool(checker.interrupted(lines, now()))
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
    fleet = rig(ground, name, settings=scenario.settings, crash=scenario.crash, **options)
    outcome = Outcome(name=name)
    try:
        fleet.begin()
        _hit(fleet, scenario.fault, outcome)
        _judge(fleet, outcome)
    except AssertionError as error:  # it did not come to the fault: said with the others
        outcome.faults += str(error).splitlines()
    finally:
        fleet.close()
    return outcome


def _hit(fleet: Any, fault: Fault, outcome: Outcome) -> None:
    at = fault(fleet)
    deadline = time.monotonic() + fleet.patience
    for run_id in fleet.run_ids:
        outcome.states.append(fleet.wait(run_id, max(1.0, deadline - time.monotonic())))
        if outcome.states[-1] != "succeeded":
            outcome.faults += [f"run {run_id} {outcome.states[-1]}", *fleet.reasons(run_id)[:5]]
    outcome.seconds = now() - at
    outcome.recovery = checker.recovery(fleet.lines(), at)


def _judge(fleet: Any, outcome: Outcome) -> None:
    fleet.until(lambda: not fleet.orphans(), 5)
    outcome.faults += [f"orphan on {words}" for words in fleet.orphans()]
    fleet.rest()
    verdict = fleet.judge()
    outcome.faults += verdict.faults
    outcome.duplicates, outcome.losses = verdict.duplicates, verdict.losses
    outcome.again = verdict.again
