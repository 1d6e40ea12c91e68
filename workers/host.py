"""What the steps of one worker share: settings, catalog, broker, and the facts of each run.

Connections belong to one process: a pool child that was forked makes its own.
"""

import contextlib
import functools
import importlib
import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from celery import Celery
from sqlalchemy import Engine

from assets_parser.spec import RunOptions
from catalog import engine as engines
from catalog import runs
from workers import livelog, working_copies
from workers.context import StepContext, StepResult
from workers.outages import Broker
from workers.settings import Settings

if TYPE_CHECKING:
    from redis import Redis

StepFunction = Callable[[StepContext], StepResult]

#: Where the work of each step is done; imported when the first such step comes.
FUNCTIONS: Mapping[str, str] = {
    "script": "workers.main_step",
    "materialize": "workers.main_step",
    "load": "workers.loader",
    "query": "workers.query_step",
    "seed": "workers.seed_step",
    "ingest": "workers.ingest_step",
    "sensor": "workers.sensor_step",
    "checks": "workers.checks",
}


def step_function(step: str) -> StepFunction:
    """The function that does the work of `step`."""
    function: StepFunction = importlib.import_module(FUNCTIONS[step]).run
    return function


def foresee(steps: Sequence[str], step: str) -> None:
    """Import the work of the step after this one while this one waits for the asset's process.

    pyarrow alone takes half a second. An import that fails is told when its step comes.
    """
    following = [FUNCTIONS[later] for later in steps[steps.index(step) + 1 :]]
    if step == "materialize" and following:
        threading.Thread(target=_try_import, args=following[:1], daemon=True).start()


def _try_import(module: str) -> None:
    with contextlib.suppress(ImportError):
        importlib.import_module(module)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What never changes while a run goes on. With a bundle, `project` is the copy of this run."""

    run_id: str
    project: Path
    bundle: str = ""  # its digest; empty where the run works in the project itself
    config: Path | None  # the .bruin.yml: this worker's own, else the one of the run
    options: RunOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One worker as its steps see it. `function` finds the work of a step.

    `wake` tells the worker's heart that a step waits for a time to come, `leaving` says whether the
    worker is told to stop without waiting for its steps.
    """

    settings: Settings
    app: Celery
    worker: str = field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")
    function: Callable[[str], StepFunction] = step_function
    wake: Callable[[], None] = lambda: None
    leaving: Callable[[], bool] = lambda: False

    @property
    def engine(self) -> Engine:
        """The catalog."""
        return _engine(self.settings.catalog_url, os.getpid())

    @property
    def redis(self) -> "Redis | None":
        """The broker as live logs use it."""
        return _redis(self.settings, os.getpid()) if self.settings.broker else None

    def broker_answers(self) -> bool:
        """Whether the broker can be reached now."""
        return _broker(self.settings, os.getpid()).answers()

    def facts(self, run_id: str) -> Facts:
        """What is known of a run; LookupError if there is none of this id."""
        return _facts(self.settings, run_id, os.getpid())


@functools.lru_cache(maxsize=4)
def _engine(url: str, pid: int) -> Engine:
    return engines.connect(url)


@functools.lru_cache(maxsize=4)
def _redis(settings: Settings, pid: int) -> "Redis":
    return livelog.client(settings)


@functools.lru_cache(maxsize=4)
def _broker(settings: Settings, pid: int) -> Broker:
    return Broker(settings)


@functools.lru_cache(maxsize=64)
def _facts(settings: Settings, run_id: str, pid: int) -> Facts:
    engine = _engine(settings.catalog_url, pid)
    run = runs.get(engine, run_id)
    config = settings.connections or run.config
    return Facts(
        run_id=run_id,
        project=working_copies.path(settings, run_id) if run.bundle else Path(run.project),
        bundle=run.bundle,
        config=Path(config) if config else None,
        options=runs.options(engine, run_id),
    )
