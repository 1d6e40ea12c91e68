"""A fleet of three hosts with all that it needs, to be broken: one for each scenario.

Network, PostgreSQL and the hosts' folders (with the environments that they have built) stay for all
scenarios of a session; broker, databases, catalog and workers are new for each.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from catalog import engine as engines
from catalog import runs
from tests.faults import checker, pipeline
from tests.faults.pipeline import Table
from tests.faults.processes import Tree, end_all, strays
from tests.support.attempt import shared_cache
from tests.support.cli import Cli
from tests.support.fault_servers import Broker, Cluster, cluster
from tests.support.hosts import Host, Network, network

ROOT = Path(__file__).resolve().parents[2]
LEASE = 4.0
QUICK = {
    "FLEET_LEASE": str(LEASE),
    "FLEET_LEASE_RENEW": "1",
    "FLEET_RECONCILE_EVERY": "1",
    "FLEET_STOP_GRACE": "1",
    "FLEET_SLOTS": "2",
}


class Ground:
    """What stays for a session: three hosts, and two PostgreSQL servers."""

    def __init__(self, net: Network, catalog: Cluster, target: Cluster, folder: Path) -> None:
        self.net, self.catalog, self.target, self.folder = net, catalog, target, folder
        self.broker_address = net.service()
        self.hosts = [net.host(name) for name in ("h1", "h2", "h3")]
        for host in self.hosts:
            (host.folder / "home").mkdir()
            (host.folder / "home" / "uv-cache").symlink_to(shared_cache())


@contextlib.contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    """The ground for the time of the block; nothing of it stays."""
    with contextlib.ExitStack() as ends:
        net = ends.enter_context(network(folder / "hosts"))
        catalog = ends.enter_context(cluster(net.service()))
        target = ends.enter_context(cluster(net.service()))
        made = Ground(net, catalog, target, folder)
        _fetch(made)
        yield made


def _fetch(ground: Ground) -> None:
    """Have the packages in the cache: no way leads to them out of the hosts.

    What the first host's worker needs is built thereby; other tests need not have run before.
    """
    folder, host = ground.folder / "fetch", ground.hosts[0]
    project = pipeline.create(folder, pipeline.tables(0), 0.0)
    config = folder / "connections.yml"
    config.write_text(pipeline.connections("{name: pg}", folder / "journal", folder))
    cli = Cli(host.folder / "home", folder, {"FLEET_CONNECTIONS": str(config)})
    done = cli("run", str(project), "--var", 'tag="none"')
    assert done.returncode == 0, done.stdout + done.stderr


class Site:
    """One scenario's fleet, its pipeline and its runs."""

    def __init__(
        self,
        ground: Ground,
        name: str,
        *,
        levels: int = 6,
        seconds: float = 0.3,
        settings: Mapping[str, str] | None = None,
        assets: list[Table] | None = None,
        told: Mapping[str, str] | None = None,
    ) -> None:
        self.ground = ground
        self.folder = ground.folder / f"{name}-{time.monotonic_ns()}"
        self.folder.mkdir()
        self.hosts = ground.hosts
        self.broker = Broker(self.folder / "broker", ground.broker_address)
        self.broker.start()
        self.url = ground.target.server.url(ground.target.server.create_database())
        self.catalog_url = ground.catalog.server.url(ground.catalog.server.create_database())
        self.settings = QUICK | dict(settings or {})
        self.told = told or {}  # more of the workers' environment
        self.assets = assets or pipeline.tables(levels)
        self.project = pipeline.create(self.folder / "faults", self.assets, seconds)
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.tags: dict[str, str] = {}
        for host in self.hosts:
            self._furnish(host)
        self._tables()
        self.engine: Engine = engines.connect(self._catalog("postgresql+psycopg"))
        engines.upgrade(self.engine)

    def _catalog(self, scheme: str = "postgresql") -> str:
        return self.catalog_url.replace("postgresql", scheme, 1)

    def data(self, host: Host) -> Path:
        """Where a host keeps its connections, its file databases and its journal."""
        return host.folder / self.folder.name

    def _furnish(self, host: Host) -> None:
        folder = self.data(host)
        folder.mkdir()
        server = self.ground.target.server
        fields = {"name": "pg", "username": server.user, "password": server.password}
        fields |= {"host": server.host, "port": str(server.port), "ssl_mode": "disable"}
        fields |= {"database": self.url.rpartition("/")[2], "schema": "public"}
        database = "{" + ", ".join(f"{key}: {value}" for key, value in fields.items()) + "}"
        files = self.folder if os.environ.get("FAULTS_SHARED") else folder
        texts = pipeline.connections(database, folder / "journal", files)
        (folder / "bruin.yml").write_text(texts)

    def _tables(self) -> None:
        """SQL assets append to and merge into tables that there are, as in Bruin."""
        named = [one.name for one in self.assets if one.made or _changes(one)]
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("CREATE SCHEMA f")
            for name in named:
                columns = "id bigint, run text, attempt text, nonce text"
                connection.execute(f"CREATE TABLE {name} ({columns})")

    def environ(self, host: Host | None = None) -> dict[str, str]:
        """What a worker on this host, or the dispatcher beside them, is told."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("FLEET_", "BRUIN_"))}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        told = {
            "FLEET_CONFIG": "",
            "FLEET_BROKER": self.broker.url,
            "FLEET_CATALOG": self._catalog(),
            "FLEET_STORAGE": str(self.folder / "storage"),
            "FLEET_HOME": str(self.folder / "dispatcher"),
            "PYTHONPATH": str(ROOT),
            "UV_OFFLINE": "1",  # no way leads out of the hosts: packages come from the cache
        }
        if host is not None:
            told |= {"FLEET_HOME": str(host.folder / "home"), "FLEET_HOST": host.name}
            told |= {"FLEET_CONNECTIONS": str(self.data(host) / "bruin.yml")}
            told |= self.told
            told |= {"FLEET_WORKER": f"{host.name}-{time.monotonic_ns() % 10**6}"}
        return kept | self.settings | told

    def start_module(self, host: Host, module: str, **more: str) -> "subprocess.Popen[bytes]":
        """Start a worker on this host; `more` is added to its environment."""
        argv = [sys.executable, "-P", "-m", module]
        self.workers[host.name] = host.start(argv, self.environ(host) | more, "worker.out")
        return self.workers[host.name]

    def tree(self, host: Host) -> Tree:
        """The processes of the host's worker now."""
        return Tree.of(self.workers[host.name])

    def submit(self, tag: str = "one") -> str:
        """Give the pipeline to the fleet as a user would; the run's id."""
        done = self._cli("submit", str(self.project), "--var", f'tag="{tag}"', "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return self._newest(tag)

    def submit_and_die(self, tag: str) -> str:
        """Let the command be killed -9 as soon as the catalog knows the run; its id."""
        command = self._cli.start("run", str(self.project), "--var", f'tag="{tag}"')
        known = self.until(self.runs, 120)
        command.kill()
        command.communicate()
        assert known, "the command recorded no run"
        return self._newest(tag)

    @property
    def _cli(self) -> Cli:
        return Cli(self.folder / "dispatcher", self.folder, self.environ())

    def _newest(self, tag: str) -> str:
        found = next(str(row.id) for row in self.runs() if row.id not in self.tags)
        self.tags[found] = tag
        return found

    def runs(self) -> Sequence[Any]:
        """All runs that the catalog knows, newest first."""
        with self.engine.connect() as connection:
            return connection.execute(text("SELECT * FROM runs ORDER BY created_at DESC")).all()

    def step(self, where: str) -> Any:
        """The first step for which the condition holds, None if there is none."""
        query = text(f"SELECT * FROM steps WHERE {where} LIMIT 1")
        with self.engine.connect() as connection:
            return connection.execute(query).first()

    def files_made(self) -> bool:
        """Whether the two assets that make the file databases have ended."""
        names = ", ".join(f"'{name}'" for name in pipeline.FIRST)
        return self.step(f"asset IN ({names}) AND state <> 'succeeded'") is None

    def wait(self, run_id: str, seconds: float = 90.0) -> str:
        """The state in which the run ended; "hangs" if it did not end in time."""
        return self.until(lambda: self._end(run_id), seconds) or "hangs"

    def _end(self, run_id: str) -> str:
        try:
            found = runs.get(self.engine, run_id)
        except SQLAlchemyError:
            return ""  # a catalog that is away in the middle of a scenario
        return str(found.state) if found.ended_at is not None else ""

    @staticmethod
    def until(true: Callable[[], Any], seconds: float = 60.0) -> Any:
        """What `true` gives as soon as it gives something; None after `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := true():
                return found
            time.sleep(0.02)
        return None

    def lines(self) -> list[checker.Line]:
        """The journals of all hosts."""
        return checker.journal(self.data(host) / "journal" for host in self.hosts)

    def orphans(self) -> list[str]:
        """What lives on a host and belongs to no living worker, or to an asset though all ended."""
        return strays(self.hosts, self.workers)

    def judge(self, failed: Sequence[str] = ()) -> checker.Verdict:
        """What the checker finds, once the workers have ended; all assets but these succeeded."""
        folders = [self.folder, *(self.data(host) for host in self.hosts)]
        tables = [one for one in self.assets if one.how != "script"]
        found = {one.name: checker.rows(one, self.url, folders) for one in tables}
        good = [one for one in self.assets if one.name not in failed]
        verdict = checker.judge(good, list(self.tags.values()), found, self.lines())
        for one in tables:
            if one.name in failed and len(found[one.name]) not in (0, pipeline.ROWS):
                verdict.count(one.name, "of a failed asset", len(found[one.name]), pipeline.ROWS)
        return verdict

    def reasons(self, run_id: str) -> dict[str, str]:
        """Why assets did not succeed, by their names."""
        query = "SELECT asset, state, reason FROM asset_runs WHERE run_id = :r AND state <> :s"
        with self.engine.connect() as connection:
            rows = connection.execute(text(query), {"r": run_id, "s": "succeeded"})
            return {row.asset: f"{row.state} {row.reason}" for row in rows}

    def said(self, host: Host, lines: int = 6) -> str:
        """The last lines of the host's newest worker, for a person who reads the failed test."""
        logs = sorted((host.folder / "home" / "logs").glob("worker-*.log"), key=_changed)
        texts = [
            path.read_text(errors="replace") for path in (host.folder / "worker.out", *logs[-1:])
        ]
        return "\n".join(line for text in texts for line in text.splitlines()[-lines:])

    def rest(self) -> None:
        """End all workers at once."""
        end_all(self.hosts, self.workers)

    def close(self) -> None:
        """End what this scenario started; its files go, the hosts stay."""
        for host in self.hosts:
            host.heal()
        self.rest()
        self.broker.kill()
        self.engine.dispose()
        for host in self.hosts:
            shutil.rmtree(self.data(host), ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def _changes(one: Table) -> bool:
    return one.how == "sql" and one.kind != "replace"


def _changed(path: Path) -> float:
    return path.stat().st_mtime
