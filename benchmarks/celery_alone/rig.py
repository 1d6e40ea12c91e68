"""Celery alone on the fault suite's hosts: the same assets, the same faults, the same checker.

All tables are in PostgreSQL here: a plain Celery application has no rule by which a task would find
the host that holds a file.
"""

import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from tests.faults import checker, pipeline
from tests.faults.processes import Tree, end_all, strays
from tests.faults.scenarios import Scenario, now
from tests.faults.site import ROOT, Ground, Site
from tests.support.fault_servers import Broker
from tests.support.hosts import Host


class Alone:
    """A Rig made of Celery's own workers."""

    #: Seconds for a run to end: kombu looks for messages of the dead every 100 s only, and gives
    #: back those older than the visibility timeout.
    patience = 180.0

    def __init__(
        self,
        ground: Ground,
        name: str,
        scenario: Scenario,
        *,
        levels: int = 6,
        seconds: float = 0.3,
    ) -> None:
        self.ground, self.hosts = ground, ground.hosts
        self.folder = ground.folder / f"alone-{name}-{time.monotonic_ns()}"
        self.folder.mkdir()
        self.broker = Broker(self.folder / "broker", ground.broker_address)
        self.broker.start()
        self.url = ground.target.server.url(ground.target.server.create_database())
        self.run_ids: list[str] = []
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.assets = [
            dataclasses.replace(one, engine="pg", name=one.name.replace(".", "_"), how=_how(one))
            for one in pipeline.tables(levels)
        ]
        self._seconds = seconds
        self._plan = self.folder / "plan.json"
        self._plan.write_text(json.dumps(_levels(self.assets, seconds)))
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE finished (run text)")
            for one in self.assets:
                columns = "id integer, run text, attempt text, nonce text"
                connection.execute(f"CREATE TABLE {one.name} ({columns})")

    def _environ(self, host: Host | None = None) -> dict[str, str]:
        told = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "ALONE_BROKER": self.broker.url}
        told |= {"ALONE_DATABASE": self.url}
        return told | ({"ALONE_JOURNAL": str(self._journal(host))} if host else {})

    def _journal(self, host: Host) -> Any:
        return self.folder / f"journal-{host.name}"

    def begin(self) -> None:
        """Submit the pipeline and start all workers."""
        self.submit("one")
        for host in self.hosts:
            self.start(host)

    def start(self, host: Host, **_: str) -> Any:
        """Start a worker of two processes."""
        argv = [sys.executable, "-m", "celery", "-A", "benchmarks.celery_alone.app", "worker"]
        argv += ["-c", "2", "-n", f"{host.name}-{time.monotonic_ns()}@%h", "--loglevel=INFO"]
        self.workers[host.name] = host.start(
            argv, self._environ(host), f"alone-{self.folder.name}.out"
        )
        return self.workers[host.name]

    def submit(self, tag: str) -> str:
        """One more run."""
        code = "import sys; from benchmarks.celery_alone.app import level;"
        code += "level.delay(sys.argv[1], sys.argv[2], 0)"
        argv = [sys.executable, "-c", code, tag, str(self._plan)]
        subprocess.run(argv, env=self._environ(), check=True, timeout=60)
        self.run_ids.append(tag)
        return tag

    until = staticmethod(Site.until)

    def ended(self, run_id: str) -> str:
        """ "succeeded" once the last chord's body has said so."""
        with psycopg.connect(self.url) as connection:
            query = "SELECT 1 FROM finished WHERE run = %s"
            return "succeeded" if connection.execute(query, (run_id,)).fetchone() else ""

    def wait(self, run_id: str, seconds: float) -> str:
        """The state in which the run ended; "hangs" if it did not end in time."""
        return self.until(lambda: self.ended(run_id), seconds) or "hangs"

    def busy(self, host: Host, what: str) -> bool:
        """Whether a task sleeps, or loads; there are no checks here, a load stands for them."""
        lines = checker.journal([self._journal(host)])
        if what in ("materialize", "long"):
            return checker.busy(lines, self.assets, long=what == "long")
        return any(line.word == "end" and now() - line.moment < self._seconds / 4 for line in lines)

    def main(self, host: Host) -> int:
        """Process id of the host's worker."""
        return self.workers[host.name].pid

    def pool(self, host: Host) -> list[int]:
        """Process ids of its pool's children."""
        return Tree.of(self.workers[host.name]).pool()

    def addresses(self) -> Mapping[str, str]:
        """Of broker and destination; there is no catalog."""
        target = self.ground.target.server.host
        return {"broker": self.ground.broker_address, "destination": target, "catalog": target}

    def catalog(self, *, up: bool) -> None:
        """There is none."""
        raise NotImplementedError

    def lines(self) -> list[checker.Line]:
        """The journals of all hosts."""
        return checker.journal(self._journal(host) for host in self.hosts)

    def reasons(self, _: str) -> dict[str, str]:
        """Celery says none."""
        return {}

    def unreached(self) -> list[str]:
        """There are no named points."""
        return []

    def alive(self, host: Host) -> bool:
        """Whether the worker that was started there runs."""
        return self.workers[host.name].poll() is None

    def fill(self, full: bool) -> None:
        """There is no storage."""
        raise NotImplementedError

    def orphans(self) -> list[str]:
        """What lives on a host and belongs to no living worker."""
        return strays(self.hosts, self.workers)

    def judge(self, _: Sequence[str]) -> checker.Verdict:
        """What the checker finds in the tables."""
        found: dict[str, Sequence[checker.Row]] = {
            one.name: checker.rows(one, self.url, ()) for one in self.assets if one.how != "script"
        }
        return checker.judge(self.assets, self.run_ids, found, self.lines())

    def rest(self) -> None:
        """End all workers at once."""
        end_all(self.hosts, self.workers)

    def close(self) -> None:
        """End what this scenario started."""
        for host in self.hosts:
            host.heal()
        self.rest()
        self.broker.kill()


def _how(one: pipeline.Table) -> Any:
    return "script" if one.how == "script" else "python"


def _levels(assets: Sequence[pipeline.Table], seconds: float) -> list[list[tuple[str, str, float]]]:
    found: dict[str, list[tuple[str, str, float]]] = {}
    for one in assets:
        kind = "script" if one.how == "script" else one.kind
        key = one.name.removeprefix("f_").partition("_")[0] if one.upstreams else "first"
        found.setdefault(key, []).append((one.name, kind, pipeline.LONG if one.long else seconds))
    return list(found.values())
