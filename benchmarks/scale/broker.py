"""Publishing levels to a broker, beside Celery's own publishing of as many tasks."""

import time

from celery import Celery, chord, group
from sqlalchemy import Engine

from catalog import levels
from workers import levels as publishing


def publish(engine: Engine, app: Celery, run_id: str) -> tuple[int, float, float]:
    """Open and publish the next level: messages, seconds in the catalog, seconds of publishing."""
    start = time.perf_counter()
    opened = levels.advance(engine, run_id)
    assert isinstance(opened, levels.Published), opened
    middle = time.perf_counter()
    publishing.publish(engine, app, run_id, opened)
    return len(opened.chains), middle - start, time.perf_counter() - middle


def bare(url: str, count: int) -> float:
    """Seconds to publish a chord of `count` tasks by Celery alone."""
    app = Celery("bare", broker=url, backend=url)
    task = app.signature("bare.task", args=("aaaaa", "some.asset"), immutable=True, queue="bare")
    body = app.signature("bare.body", immutable=True, queue="bare")
    start = time.perf_counter()
    chord(group([task.clone() for _ in range(count)]), app=app)(body)
    return time.perf_counter() - start
