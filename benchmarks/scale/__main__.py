"""`python -m benchmarks.scale [--workers 100,300,1000] [--assets 10000] [--catalogs ...] [--json]`.

Simulated workers claim, look, renew, succeed and beat through the real functions on PostgreSQL and
SQLite; a run of many assets is recorded, published and advanced. Ratios are to bare INSERT and
UPDATE statements, and to Celery's own publishing, in the same run.
"""

import argparse
import contextlib
import gc
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from celery import _state
from sqlalchemy import Engine, text

from benchmarks.scale import broker, demand, plans
from benchmarks.scale.crowd import crowd, register
from benchmarks.scale.timing import Times
from catalog import engine as engines
from tests.support import postgres
from tests.support.broker import running
from workers import contract
from workers.app import make_app
from workers.settings import Settings

OPERATIONS = ("register", "claim", "look", "renew", "beat", "succeed")


@dataclass(slots=True, kw_only=True)
class Figures:
    """What one catalog did with so many workers."""

    catalog: str
    workers: int
    assets: int
    recorded: float = 0.0  # seconds to record the run
    rows: float = 0.0  # seconds of bare INSERTs of as many rows
    opened: float = 0.0  # seconds to open the level in the catalog
    published: float = 0.0  # seconds to publish it
    bare: float = 0.0  # seconds of Celery alone to publish a chord of as many tasks
    crowd: float = 0.0  # seconds until all assets were done
    updates: float = 0.0  # seconds of bare UPDATEs, one transaction for each operation
    busy: float = 0.0  # seconds a second that so many workers ask of the catalog
    memory: float = 0.0  # MB of the process that recorded and published
    times: dict[str, str] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """What a person reads."""
        steps = self.assets / self.crowd
        yield f"{self.catalog}, {self.workers} workers, {self.assets} assets"
        yield f"  record {self.recorded:.2f} s ({self.recorded / self.rows:.1f} x bare INSERTs)"
        ratio = self.published / self.bare
        yield f"  open {self.opened:.2f} s, publish {self.published:.2f} s ({ratio:.1f} x Celery)"
        ratio = self.crowd / self.updates
        yield f"  {steps:.0f} steps/s claimed and ended ({ratio:.1f} x bare UPDATEs)"
        yield f"  periodic work of all workers: {self.busy:.2f} s of the catalog a second"
        yield f"  memory of the dispatcher {self.memory:.0f} MB"
        yield from (f"  {name:14} p50 / p95 {shown}" for name, shown in self.times.items())


def main() -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("--workers", default="100,300,1000")
    parser.add_argument("--assets", type=int, default=10_000)
    parser.add_argument("--catalogs", default="postgresql,sqlite")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    for kind in chosen.catalogs.split(","):
        for workers in map(int, chosen.workers.split(",")):
            figures = measure(kind, workers, chosen.assets)
            print("\n".join(figures.lines()), flush=True)
            if chosen.json:
                with chosen.json.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(figures)) + "\n")
    return 0


def measure(kind: str, workers: int, assets: int) -> Figures:
    """All figures of one catalog and one number of workers."""
    figures = Figures(catalog=kind, workers=workers, assets=assets)
    times = Times()
    # as in a worker's pool: a process that publishes for others subscribes to no results
    _state._set_task_join_will_block(True)
    with _place(kind) as (url, settings, engine):
        app = make_app(settings)
        made = plans.plan(assets, 1)
        figures.recorded = _seconds(lambda: plans.record(engine, "aaaaa", made, contract.VERSION))
        figures.rows = _inserts(engine, assets)
        register(engine, workers, times)
        _, figures.opened, figures.published = broker.publish(engine, app, "aaaaa")
        figures.bare = broker.bare(settings.broker, assets)
        figures.memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        names = [asset.name for asset in made.assets]
        half = len(names) // 2
        done, seconds = crowd(url, "aaaaa", names[:half], workers)
        times.add(done.of)
        figures.crowd = seconds * assets / half
        figures.updates = _updates(engine, 1_000) * assets * len(OPERATIONS[1:]) / 1_000
        demand.looks(engine, app, settings, "aaaaa", names[-1], times)
        figures.busy = demand.busy(times, workers)
        figures.times = {name: times.shown(name) for name in times.of}
        app.close()
        gc.collect()  # results say goodbye to the broker while it is there
    return figures


@contextlib.contextmanager
def _place(kind: str) -> Iterator[tuple[str, Settings, Engine]]:
    with contextlib.ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="scale-")))
        valkey = ends.enter_context(running(folder / "valkey"))
        if kind == "postgresql":
            binaries = postgres.binaries()
            assert binaries is not None, "no PostgreSQL server on this machine"
            server = ends.enter_context(postgres.running(binaries))
            url = server.url(server.create_database())
        else:
            url = f"sqlite:///{folder / 'catalog.db'}"
        given = {"broker": valkey.url, "catalog": url, "home": folder, "fleet": plans.FLEET}
        settings = Settings.load({"FLEET_CONFIG": ""}, given)
        engine = engines.connect(url)
        ends.callback(engine.dispose)
        engines.upgrade(engine)
        yield url, settings, engine


def _seconds(work: object) -> float:
    start = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - start


def _inserts(engine: Engine, count: int) -> float:
    """As many rows as a run of `count` assets has, with nothing but their texts."""
    rows = [{"a": f"asset {n}", "b": "x" * 400} for n in range(2 * count)]
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE bare (a text PRIMARY KEY, b text)"))
    with_rows = text("INSERT INTO bare VALUES (:a || :b, :b)")

    def work() -> None:
        with engine.begin() as connection:
            connection.execute(with_rows, rows)

    return _seconds(work)


def _updates(engine: Engine, count: int) -> float:
    """Updates of single rows, each in a transaction of its own."""

    def work() -> None:
        for n in range(count):
            with engine.begin() as connection:
                values = {"a": f"asset {n}" + "x" * 400, "b": "y"}
                connection.execute(text("UPDATE bare SET b = :b WHERE a = :a"), values)

    return _seconds(work)


if __name__ == "__main__":
    sys.exit(main())
