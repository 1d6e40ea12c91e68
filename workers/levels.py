"""Publishes what the catalog says is to be done next: a level as a chord, or single steps.

The tasks fleet.advance and fleet.advance_failed, the ends of detached steps and reconcile call
this. Nothing here decides: a lost, late or repeated call does nothing that the catalog did not ask.
"""

from collections.abc import Iterable
from typing import Any

from celery import Celery, chain, chord
from sqlalchemy import Engine

from catalog import levels, runs
from catalog.levels import Finished, Published
from catalog.values import StepKey
from workers import contract, crash_points, sending


def advance(engine: Engine, app: Celery, run_id: str) -> str:
    """Move the run on if its level is over, or begin it; says in a few words what became of it."""
    outcome = levels.advance(engine, run_id)
    if isinstance(outcome, Published):
        crash_points.reach("level:advanced")
        publish(engine, app, run_id, outcome)
        return f"level {outcome.level}"
    return str(outcome.state) if isinstance(outcome, Finished) else outcome.reason


def publish(engine: Engine, app: Celery, run_id: str, level: Published) -> None:
    """Send one level: a chain for each asset, and `advance` when all have ended, well or not.

    The chord's own bookkeeping is a hint only, as everything about messages is; that the messages
    were sent is noted afterwards, so that a crash in between sends them again.
    """
    pipeline = runs.get(engine, run_id).pipeline
    keys = [(run_id, asset, steps[0]) for asset, steps in level.chains]
    queues = {key[1]: queue for key, queue, _ in sending.placed(engine, app, keys, pipeline)}
    header = [
        _chain(app, pipeline, run_id, asset, steps=steps, queue=queues[asset])
        for asset, steps in level.chains
        if asset in queues
    ]
    body = contract.advance_signature(app, pipeline, run_id)
    failed = contract.advance_signature(app, pipeline, run_id, failed=True)
    body.on_error(failed)  # type: ignore[no-untyped-call]
    if header:
        chord(header, app=app)(body)  # type: ignore[no-untyped-call]
    crash_points.reach("level:published")
    levels.confirm_sent(engine, run_id, list(queues))


def send_steps(engine: Engine, app: Celery, keys: Iterable[StepKey]) -> None:
    """Send steps on their own, outside any chord: woken, retried or found lost."""
    with app.producer_or_acquire() as producer:  # type: ignore[no-untyped-call]
        for key, queue, pipeline in sending.placed(engine, app, list(keys)):
            sending.one(app, pipeline, key, queue, producer=producer)


def _chain(
    app: Celery, pipeline: str, run_id: str, asset: str, *, steps: Iterable[str], queue: str
) -> Any:
    """The steps of an asset; those behind the first find its files where it ran."""
    signatures = [
        contract.step_signature(
            app, pipeline, run_id, asset, contract.checked_step(step), queue=queue
        )
        for step in steps
    ]
    if len(signatures) == 1:
        return signatures[0]
    return chain(*signatures, app=app)  # type: ignore[no-untyped-call]
