"""Builds Celery's worker for this process and runs it. Called by workers.main."""

import functools
import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any

import psutil
from billiard.context import _default_context
from celery import signals
from celery.apps.worker import Worker
from celery.worker.control import Panel
from sqlalchemy.exc import SQLAlchemyError

from catalog import engine as engines
from catalog import workers
from catalog.schema import CatalogRefused
from workers import (
    catalog_host,
    crash_points,
    orphans,
    signing,
    slots,
    storage_host,
    stores,
    tasks,
    weights,
)
from workers.app import make_app, taken_by
from workers.bell import Bell
from workers.departure import Departure
from workers.gate import Gate
from workers.heart import Heart, watch_lifeline
from workers.host import Host, StepFunction, step_function
from workers.outages import patiently
from workers.settings import Settings
from workers.transport import LeaseExtension

logger = logging.getLogger(__name__)

#: What Flower asks workers; events are on anyhow. All else that Celery offers by message (revoke,
#: shutdown, pool size, configuration) is refused: cancelling goes through the catalog.
_ANSWERS = frozenset(
    {"ping", "stats", "active", "active_queues", "registered", "reserved", "scheduled", "revoked"}
) | {"enable_events"}


def run(
    settings: Settings,
    name: str,
    lifeline: int | None = None,
    function: Callable[[str], StepFunction] = step_function,
) -> int:
    """Work until told to stop; the exit code.

    `lifeline` is a pipe whose end ends everything, `function` finds the work of a step.
    """
    _default_context.set_start_method(  # type: ignore[no-untyped-call]
        "fork", force=True
    )  # macOS' default would import all again
    app = make_app(settings)
    bell, departure = Bell(), Departure()
    app.fleet_slots = room = slots.of_worker(settings, name)  # type: ignore[attr-defined]
    if room:
        function = slots.weighed(function, weights.parsed(settings.weights), room)
    host = Host(
        settings=settings,
        app=app,
        worker=name,
        function=function,
        wake=bell.ring,
        leaving=lambda: departure.at_once,
    )
    if refusal := _unfit(host):
        logger.error("worker %s cannot begin: %s", name, refusal)
        print(f"fleet worker: {refusal}", file=sys.stderr)
        return 1
    worker = _prepared(host)
    children = functools.partial(_children, worker)
    if lifeline is not None:
        watch_lifeline(lifeline, children)
    heart = Heart(host.engine, app, settings, name, children, bell=bell, departure=departure)
    heart.on_drain = _Intake(worker).close
    _beat_while_working(heart, name)
    _on(signals.worker_ready, lambda: departure.heed_signals(bell.ring, children, settings))
    worker.start()
    if room:
        room.close()
    return int(worker.exitcode or 0)


def _prepared(host: Host) -> Any:
    """Celery's worker, with all that its children are to find when they fork."""
    signing.attach(host.app, host.settings, host.engine)
    tasks.register(host.app, host)
    host.function("script")  # nearly all need it
    stores.foresee(host.settings)
    _limit_control()
    _keep_logging()  # before Celery's worker is made, which would set it up its own way
    _on(signals.worker_process_init, orphans.take_in)
    _on(signals.before_task_publish, lambda: crash_points.reach("publish"))
    return _worker(host.app, host.settings, host.worker)


def _unfit(host: Host) -> str:
    """Why this worker cannot work with the catalog, which it waits for, or with the storage."""
    try:
        patiently(lambda: engines.upgrade(host.engine), "to begin")
        engine, settings = host.engine, host.settings
        return (
            catalog_host.refusal(engine, settings)
            or storage_host.refusal(engine, settings)
            or _namesake(host)
        )
    except (CatalogRefused, ValueError) as error:
        return str(error)
    except SQLAlchemyError as error:
        return f"the catalog cannot be reached: {getattr(error, 'orig', error)}"


def _namesake(host: Host) -> str:
    """Each would take what the other one runs for work of its own processes that died."""
    settings, name = host.settings, host.worker
    if host.engine.dialect.name == "sqlite":  # of one host
        return ""
    other = workers.elsewhere(host.engine, name, settings.host_name, settings.lease)
    if not other:
        return ""
    return (
        f"a worker named {name} lives on host {other}: give each its own name by `worker`, or none;"
        f" if that one is gone, wait {settings.lease:g} s"
    )


def _worker(app: Any, settings: Settings, name: str) -> Any:
    steps: Any = app.steps["consumer"]
    steps.add(LeaseExtension)
    steps.add(Gate)
    if app.fleet_slots:
        steps.add(slots.Room)
    return Worker(  # type: ignore[no-untyped-call]
        app=app,
        hostname=f"fleet@{name}",
        pool="prefork",
        concurrency=settings.slot_count,
        queues=list(taken_by(settings)),
        optimization="fair",
        without_mingle=True,  # chatter between workers, and the seat of old hangs
        without_gossip=True,
        quiet=True,
    )


class _Intake:
    """What the worker takes messages from; closed while it drains."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._queues: list[str] = []

    def close(self, closed: bool) -> None:
        """Take no more from any queue, or from all again; to be called by any thread."""
        consumer = self._worker.consumer
        if closed and not self._queues:
            self._queues = list(consumer.app.amqp.queues.consume_from)
            change = consumer.cancel_task_queue
        else:
            change = consumer.add_task_queue
        for name in self._queues:
            consumer.call_soon(change, name)
        if not closed:
            self._queues = []


def _limit_control() -> None:
    for command in set(Panel.data) - _ANSWERS:
        del Panel.data[command]


def _children(worker: Any) -> Iterable[int]:
    """Process ids of the pool's children that live."""
    pool = getattr(worker.pool, "_pool", None)
    pids = [child.pid for child in list(getattr(pool, "_pool", ()))]
    return [pid for pid in pids if pid and _lives(pid)]


def _lives(pid: int) -> bool:
    """Whether a child still runs; asked without reaping it, which is the pool's own business."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _beat_while_working(heart: Heart, name: str) -> None:
    _on(signals.worker_ready, lambda: _begin(heart, name))
    _on(signals.worker_shutting_down, lambda: logger.info("stops when its steps have ended"))
    _on(signals.worker_shutdown, heart.stop)


def _on(signal: Any, react: Callable[[], object]) -> None:
    signal.connect(lambda **_: react(), weak=False)


def _keep_logging() -> None:
    """A receiver of this signal says that logging is ours."""
    signals.setup_logging.connect(  # type: ignore[no-untyped-call]
        lambda **_: None, weak=False
    )


def _begin(heart: Heart, name: str) -> None:
    logger.info("worker %s is ready", name)
    heart.start()
