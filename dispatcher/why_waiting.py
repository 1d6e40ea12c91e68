"""What a step waits for, or where it runs, in words. For dispatcher.why."""

from collections.abc import Iterator

from catalog import locks, work
from catalog.placing import NOWHERE, UNABLE
from catalog.runs import StepView
from catalog.workers import WorkerView
from dispatcher.why import Cause, Scene, living, why_nobody
from dispatcher.words import ago, duration, some
from workers import queues

_MANY = 3


def causes(found: Scene, step: StepView) -> Iterator[Cause]:
    """The reasons of a step that is queued or runs."""
    if str(step.state) == "running":
        yield from _running(found, step)
    elif step.waiting_on:
        yield from _locked(found, step)
    elif step.not_before > found.run.now:
        yield from _later(found, step)
    else:
        yield from _queued(found, step)
    yield from _lost(step)


def _running(found: Scene, step: StepView) -> Iterator[Cause]:
    worker = next((one for one in found.workers if one.info.name == step.worker), None)
    host = f" on host {worker.info.host}" if worker else ""
    now, began = found.run.now, step.started_at or found.run.now
    attempt = f"attempt {step.attempt} of {step.attempts_allowed}"
    yield Cause(
        text=f"its step {step.step} runs for {duration(now - began)}: worker {step.worker}{host},"
        f" pid {step.pid}, {attempt}",
        look=f"fleet logs -f {found.run.id} {step.asset}",
    )
    if told := _progress(step):
        yield Cause(text=told)
    yield _renewal(found, step)
    if worker and worker.drain_at:
        yield Cause(text=f"worker {step.worker} is drained: it ends this and takes nothing new")


def _progress(step: StepView) -> str:
    rows, total = step.progress.get("rows"), step.progress.get("total")
    note = str(step.progress.get("note") or "")
    counted = f"{rows:,} rows" + (f" of {total:,}" if total else "") if rows is not None else ""
    return ", ".join(filter(None, [counted, note]))


def _renewal(found: Scene, step: StepView) -> Cause:
    left = (step.lease_until or 0.0) - found.run.now
    renewed = ago(max(found.lease - left, 0.0))
    if left > 0:
        return Cause(text=f"its claim was renewed {renewed} and lasts {duration(left)} more")
    return Cause(
        text=f"its claim ran out {ago(-left)}: worker {step.worker} is silent; the step is queued"
        " again as soon as another worker looks",
        look="fleet workers --all",
    )


def _locked(found: Scene, step: StepView) -> Iterator[Cause]:
    since = f" since {duration(found.run.now - step.waiting_since)}" if step.waiting_since else ""
    yield Cause(text=f"{step.reason or f'waits for the lock {step.waiting_on}'}{since}")
    if limit := _limit(step.waiting_on):
        yield Cause(text=limit)
    held = [lock for lock in locks.held(found.engine) if lock.name == step.waiting_on]
    for lock in held[:_MANY]:
        yield Cause(
            text=f"{lock.asset} ({lock.step}) of run {lock.run_id} holds it on {lock.worker}"
            f" since {duration(found.run.now - lock.taken_at)}"
            + ("; its lease is over, the next who wants it gets it" if lock.expired else ""),
            look=f"fleet why {lock.run_id} {lock.asset}",
        )
    if not held:
        yield Cause(text="nobody holds it any more: the next look sends the step again")


def _limit(lock: str) -> str:
    if lock.startswith("run:"):
        return "that is the limit of the run: its --workers"
    if lock.startswith("connection:"):
        return "that is max_concurrent_assets of the connection, for the whole fleet"
    return ""


def _later(found: Scene, step: StepView) -> Iterator[Cause]:
    what = "looks again" if step.step == "sensor" else "is tried again"
    when = duration(step.not_before - found.run.now)
    yield Cause(
        text=f"its step {step.step} {what} in {when}" + (f": {step.reason}" if step.reason else ""),
        look=f"fleet logs {found.run.id} {step.asset}",
    )


def _queued(found: Scene, step: StepView) -> Iterator[Cause]:
    """It could run now, and nobody has taken it yet."""
    if step.reason:
        yield Cause(text=step.reason, look="fleet workers" if UNABLE in step.reason else "")
    if step.queue == NOWHERE:
        yield Cause(text=f"its step {step.step} was sent nowhere, as nobody could take it")
    elif not step.sends:
        queued = found.since(step.queued_at)
        yield Cause(text=f"its step {step.step} was queued {queued}, and is about to be sent")
    else:
        queue = step.queue or queues.GENERAL
        times = f", {some(step.sends, 'time')} in all" if step.sends > 1 else ""
        when = found.since(step.sent_at)
        yield Cause(text=f"its step {step.step} was sent to queue {queue} {when}{times}")
        yield from _takers(found, queue)
    yield from why_nobody(found)


def _takers(found: Scene, queue: str) -> Iterator[Cause]:
    """Who listens to that queue, and why they may not have taken it yet."""
    listen = [
        one for one in living(found) if queue in queues.taken_by(one.info.queues, one.info.host)
    ]
    if not listen:
        yield Cause(text=f"no living worker listens to queue {queue}", look="fleet workers --all")
    for one in listen[:_MANY]:
        yield Cause(text=_doing(found, one), look="fleet workers")
    if len(listen) > _MANY:
        yield Cause(text=f"so do {some(len(listen) - _MANY, 'more worker')}")


def _doing(found: Scene, one: WorkerView) -> str:
    info = one.info
    busy = len(work.going_on(found.engine, info.name).get(info.name, ()))
    if one.drain_at:
        return f"worker {info.name} listens there, but is drained: it takes nothing new"
    free = info.slots - busy
    has = f"{free} of its {some(info.slots, 'slot')} free" if free > 0 else "no slot free"
    return f"worker {info.name} on host {info.host} listens there, with {has}"


def _lost(step: StepView) -> Iterator[Cause]:
    if step.losses:
        own = f", {step.deaths} of them as its own process was killed" if step.deaths else ""
        yield Cause(
            text=f"it was lost {some(step.losses, 'time')} with its worker{own}; it runs again"
        )
