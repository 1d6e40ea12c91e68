"""Builds Celery's worker for this process and runs it. Called by workers.main."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

import psutil
from billiard.context import _default_context
from celery import signals
from celery.apps.worker import Worker
from celery.worker.control import Panel

from catalog import engine as engines
from workers import tasks
from workers.app import make_app
from workers.bell import Bell
from workers.heart import Heart, watch_lifeline
from workers.host import Host, StepFunction, step_function
from workers.settings import Settings
from workers.transport import LeaseExtension, OwnTasksOnly

logger = logging.getLogger(__name__)

#: What Flower asks workers. All else that Celery offers by message (revoke, shutdown, pool size,
#: configuration) is refused: cancelling goes through the catalog.
_ANSWERS = frozenset(
    {"ping", "stats", "active", "active_queues", "registered", "reserved", "scheduled", "revoked"}
)


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
    bell = Bell()
    host = Host(settings=settings, app=app, worker=name, function=function, wake=bell.ring)
    engines.upgrade(host.engine)
    tasks.register(app, host)
    host.function("script")  # imported before the pool's children fork: nearly all need it
    _limit_control()
    _keep_logging()  # before Celery's worker is made, which would set it up its own way
    worker = _worker(app, settings, name)
    if lifeline is not None:
        watch_lifeline(lifeline, lambda: _children(worker))
    heart = Heart(host.engine, app, settings, name, lambda: _children(worker), bell=bell)
    _beat_while_working(heart, name)
    worker.start()
    return int(worker.exitcode or 0)


def _worker(app: Any, settings: Settings, name: str) -> Any:
    steps: Any = app.steps["consumer"]
    steps.add(LeaseExtension)
    steps.add(OwnTasksOnly)
    return Worker(  # type: ignore[no-untyped-call]
        app=app,
        hostname=f"fleet@{name}",
        pool="prefork",
        concurrency=settings.slot_count,
        queues=list(settings.queues),
        optimization="fair",
        without_mingle=True,  # chatter between workers, and the seat of old hangs
        without_gossip=True,
        quiet=True,
    )


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
    reactions: dict[Any, Callable[[], object]] = {
        signals.worker_ready: lambda: _begin(heart, name),
        signals.worker_shutting_down: lambda: logger.info("stops when its steps have ended"),
        signals.worker_shutdown: heart.stop,
    }
    for signal, react in reactions.items():
        signal.connect(lambda react=react, **_: react(), weak=False)


def _keep_logging() -> None:
    """A receiver of this signal says that logging is ours."""
    signals.setup_logging.connect(  # type: ignore[no-untyped-call]
        lambda **_: None, weak=False
    )


def _begin(heart: Heart, name: str) -> None:
    logger.info("worker %s is ready", name)
    heart.start()
