"""What dispatcher and workers agree on: names of tasks and queues, and what a message may hold.

Messages carry names and ids only; all else is in the catalog. Light on purpose: the CLI imports it.
"""

import re
import uuid
from typing import TYPE_CHECKING, Any, get_args

from assets_parser.spec import Step
from workers import queues, signing
from workers.signing import Meaning

if TYPE_CHECKING:
    from celery import Celery
    from celery.canvas import Signature

VERSION = signing.VERSION  # of this contract; workers refuse messages of another one

QUEUE = queues.GENERAL
ADVANCE = "fleet.advance"
ADVANCE_FAILED = "fleet.advance_failed"
STEPS: tuple[Step, ...] = get_args(Step)
_LATER = 6  # of Celery's priorities on Redis, where 0 is the first and the usual one
TASKS = frozenset({ADVANCE, ADVANCE_FAILED, *(f"fleet.{step}" for step in STEPS)})

_RUN_ID = re.compile(r"[a-z0-9]{1,32}")
_ASSET_LENGTH = 1_000


class BadMessageError(ValueError):
    """A message holds something that no dispatcher or worker of this fleet sends."""


def task_name(step: Step) -> str:
    """Name of the Celery task that runs `step`."""
    return f"fleet.{step}"


def shown(pipeline: str, asset: str, step: str) -> str:
    """How a step appears in Flower and in the worker's log."""
    return f"{pipeline}/{asset} · {step}"


def priority(step: Step) -> int:
    """Where a step's message stands in the queue: what has begun is ended before more begins.

    The loads of a level, of which a file takes one at a time, then go on beside its other assets.
    """
    return 0 if step in ("load", "checks") else _LATER


def step_signature(
    app: "Celery",
    pipeline: str,
    run_id: str,
    asset: str,
    step: Step,
    *,
    detached: bool = False,
    queue: str = QUEUE,
) -> "Signature":
    """The message for one step; `detached` ones move the run on without a chord."""
    meaning = Meaning(task_name(step), queue, run_id, asset, detached)
    signature: Signature = app.signature(  # type: ignore[no-untyped-call]
        meaning.task,
        args=(run_id, asset),
        kwargs={"detached": True} if detached else {},
        immutable=True,
        task_id=str(uuid.uuid4()),
        queue=meaning.queue,
        headers=signing.of(app).header(meaning),
        priority=priority(step),
        shadow=shown(pipeline, asset, step),
        argsrepr=f"({run_id}, {asset})",
        kwargsrepr="{'detached': True}" if detached else "{}",
    )
    return signature


def advance_meaning(run_id: str, *, failed: bool = False) -> Meaning:
    """What the message that moves a run on asks for."""
    return Meaning(ADVANCE_FAILED if failed else ADVANCE, queues.CONTROL, run_id)


def advance_signature(
    app: "Celery", pipeline: str, run_id: str, *, failed: bool = False
) -> "Signature":
    """The message that asks a worker to look whether the run can go on."""
    meaning = advance_meaning(run_id, failed=failed)
    signature: Signature = app.signature(  # type: ignore[no-untyped-call]
        meaning.task,
        args=(run_id,),
        immutable=True,
        queue=meaning.queue,
        headers=signing.of(app).header(meaning),
        shadow=shown(pipeline, run_id, "advance"),
        argsrepr=f"({run_id})",
    )
    return signature


def check_run_id(value: Any) -> str:
    """`value` if it can be a run's id; raises BadMessageError."""
    if not isinstance(value, str) or not _RUN_ID.fullmatch(value):
        raise BadMessageError(f"not a run id: {str(value)[:50]!r}")
    return value


def check_asset(value: Any) -> str:
    """`value` if it can be an asset's name; raises BadMessageError."""
    if not isinstance(value, str) or not 0 < len(value) <= _ASSET_LENGTH:
        raise BadMessageError(f"not an asset name: {str(value)[:50]!r}")
    return value


def checked_step(value: Any) -> Step:
    """`value` if it names a step; raises BadMessageError."""
    if value not in STEPS:
        raise BadMessageError(f"not a step: {str(value)[:50]!r}")
    step: Step = value
    return step
