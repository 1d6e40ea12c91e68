"""Sends steps to where they can be taken, and sends elsewhere what was not. See workers.routing.

workers.levels publishes through it; reconcile lets it look at what waits in the wrong place.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from celery import Celery
from sqlalchemy import Engine

from catalog import placing
from catalog.placing import NOWHERE, Queued
from catalog.values import StepKey
from workers import contract, queues, routing
from workers.routing import Route, Router

PATIENCE = 2.0
"""Seconds after which a step that one host did not take is sent to others too."""


def placed(
    engine: Engine, app: Celery, keys: Sequence[StepKey], pipeline: str = ""
) -> Iterator[tuple[StepKey, str, str]]:
    """The steps to send now, each with its queue and its pipeline, which may be known.

    Those that nobody could take are left out, and the catalog says why.
    """
    router = routing.of(app).router(engine)
    if router is None and pipeline:
        yield from ((key, queues.GENERAL, pipeline) for key in keys)
        return
    near = router is not None and len(router.hosts) > 1
    found = placing.steps(engine, keys, near=near)
    if router is None:
        yield from ((step.key, queues.GENERAL, step.pipeline) for step in found)
        return
    routes = [(step, routing.of_queued(router, step)) for step in found]
    _note(engine, routes)
    for step, route in routes:
        if route.queue:
            yield step.key, route.queue, step.pipeline


def one(app: Celery, pipeline: str, key: StepKey, queue: str, *, producer: Any = None) -> None:
    """Send one step on its own, outside any chord."""
    run_id, asset, step = key
    signature = contract.step_signature(
        app, pipeline, run_id, asset, contract.checked_step(step), detached=True, queue=queue
    )
    signature.apply_async(producer=producer)  # type: ignore[no-untyped-call]


def _note(engine: Engine, routes: Sequence[tuple[Queued, Route]]) -> None:
    """Write down where steps go, if the catalog does not say so already."""
    news: dict[tuple[str, str, str], list[str]] = {}
    for step, route in routes:
        queue = route.queue or NOWHERE
        told = step.reason.startswith(placing.UNABLE)
        if queue != _place(step) or route.reason or told:
            news.setdefault((step.key[0], queue, route.reason), []).append(step.key[1])
    for (run_id, queue, reason), assets in news.items():
        placing.note(engine, run_id, queue, assets, reason)


def _place(step: Queued) -> str:
    return step.queue or queues.GENERAL


def look(engine: Engine, app: Celery, fleet: str) -> int:
    """Send on what nobody takes where it waits, or say why nobody does; how many were sent."""
    router = routing.of(app).router(engine)
    if router is None:
        return 0
    waiting = placing.misplaced(engine, fleet, router.served, patience=PATIENCE)
    return sum(_send_on(engine, app, router, step) for step in waiting)


def _send_on(engine: Engine, app: Celery, router: Router, step: Queued) -> bool:
    route = routing.of_queued(router, step, avoid=step.queue)
    queue = route.queue or NOWHERE
    there = queue == _place(step) and step.sends > 0
    told = step.reason.startswith(placing.UNABLE)
    reason = route.reason or ("" if told else step.reason)
    if there and reason == step.reason:
        return False
    send = bool(route.queue) and not there
    if not placing.move(engine, step, queue, reason, sent=send):
        return False
    if send:
        one(app, step.pipeline, step.key, route.queue)
    return send
