"""The slots of a worker where instances have weights: a heavy asset's main step takes several.

workers.consumer wraps the work of steps in `weighed`. Slots are locked files, so that a process
that was killed gives its own back. A step that does not fit goes back to the queue; one that went
back for long takes its turn: nothing new begins here until it has its slots.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from celery import bootsteps

from workers.errors import NotYet, StepFailed
from workers.weights import of_step, parsed

if TYPE_CHECKING:
    from workers.context import StepContext, StepResult
    from workers.settings import Settings

PATIENCE = 20.0  # seconds that a heavy step goes back to the queue before it waits in its place
_LOOK = 0.1  # seconds
_EVERY = 0.25  # seconds between two looks of the main process
_LEAST, _LONGEST = 0.5, 5.0  # seconds until a step that did not fit is tried again


def of_worker(settings: "Settings", name: str) -> "Slots | None":
    """The slots of a worker; None where every step takes one, and Celery counts them."""
    if max(parsed(settings.weights).values(), default=1) == 1:
        return None
    return Slots(settings.run_dir / f"slots-{name}", settings.slot_count)


class Slots:
    """The slots of one worker, shared by its processes through files in `folder`."""

    def __init__(self, folder: Path, total: int) -> None:
        self.total = total
        self._folder = folder
        shutil.rmtree(folder, ignore_errors=True)  # of an earlier worker of this name
        folder.mkdir(parents=True)
        for name in ("gate", "turn", *map(str, range(total))):
            (folder / name).touch()

    def take(self, weight: int, *, my_turn: bool = False) -> list[int] | None:
        """Open files of so many free slots, which closing frees; None if there are not so many."""
        with self._gate():
            if not my_turn and self._waits():
                return None
            held: list[int] = []
            for slot in map(str, range(self.total)):
                if (handle := self._locked(slot)) is not None:
                    held.append(handle)
                    os.truncate(handle, 0)
                    os.write(handle, str(weight if len(held) == 1 else 0).encode())
                if len(held) == weight:
                    return held
            _close(held)
            return None

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Keep new steps from beginning here; False if another step has its turn."""
        handle = self._locked("turn")
        try:
            yield handle is not None
        finally:
            _close([] if handle is None else [handle])

    def room(self) -> int:
        """How many steps may run here at a time now; at least one, which may be told to wait."""
        with self._gate():
            if self._waits():
                return 1
            extra = sum(max(self._weight(slot) - 1, 0) for slot in map(str, range(self.total)))
        return max(1, self.total - extra)

    def _weight(self, slot: str) -> int:
        """What the holder of a slot weighs, 0 if it is free or belongs to another one's weight."""
        if (handle := self._locked(slot)) is not None:
            os.close(handle)
            return 0
        return int((self._folder / slot).read_text() or 0)

    def _waits(self) -> bool:
        if (handle := self._locked("turn")) is None:
            return True
        os.close(handle)
        return False

    def _locked(self, name: str) -> int | None:
        handle = os.open(self._folder / name, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return handle

    @contextmanager
    def _gate(self) -> Iterator[None]:
        """One at a time looks at the slots, or two heavy steps would each get half."""
        handle = os.open(self._folder / "gate", os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def close(self) -> None:
        """Forget the slots: the worker ends."""
        with suppress(OSError):
            shutil.rmtree(self._folder)


def weighed(
    function: Callable[[str], Any], weights: Mapping[str, int], slots: Slots
) -> "Callable[[str], Callable[[StepContext], StepResult]]":
    """`function`, whose work begins only once its step has its slots; else raises NotYet."""

    def found(step: str) -> "Callable[[StepContext], StepResult]":
        work = function(step)

        def run(context: "StepContext") -> "StepResult":
            weight = of_step(weights, context.spec.instance, context.claim.step)
            held = _taken(slots, weight, context)
            try:
                result: StepResult = work(context)
                return result
            finally:
                _close(held)

        return run

    return found


def _taken(slots: Slots, weight: int, context: "StepContext") -> list[int]:
    waited = context.claim.waited
    held = slots.take(weight)
    if held is None and waited >= PATIENCE and 1 < weight <= slots.total:
        held = _in_turn(slots, weight, context)
    if held is None:
        raise NotYet(_words(slots, weight), min(_LONGEST, _LEAST + waited / 10))
    return held


def _in_turn(slots: Slots, weight: int, context: "StepContext") -> list[int] | None:
    """Wait here until what runs has ended; None if another step waits so already."""
    with slots.turn() as mine:
        if not mine:
            return None
        context.progress({"note": f"{_words(slots, weight)}; it is the next"})
        while not context.stop.reason:
            if (held := slots.take(weight, my_turn=True)) is not None:
                return held
            context.stop.wait(_LOOK)
    raise StepFailed("cancelled", f"stopped: {context.stop.reason}")


def _words(slots: Slots, weight: int) -> str:
    if weight > slots.total:
        return f"it takes {weight} slots, this worker has {slots.total}"
    what = f"{weight} free slots" if weight > 1 else "a free slot"
    return f"waits for {what} of the worker's {slots.total}, by the weights of instances"


def _close(handles: Sequence[int]) -> None:
    for handle in handles:
        os.close(handle)


class Room(bootsteps.StartStopStep):
    """Consumer step: takes no more messages than there are free slots.

    A few were taken before a heavy step began; these go back to the queue.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)  # type: ignore[assignment]

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)  # type: ignore[no-untyped-call]
        self.timer: Any = None

    def start(self, consumer: Any) -> None:
        """Begin with each new connection of the consumer."""
        self.timer = consumer.timer.call_repeatedly(_EVERY, self.adjust, (consumer,))

    def stop(self, consumer: Any) -> None:
        """End with the connection."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    shutdown = stop

    def adjust(self, consumer: Any) -> None:
        """Let as many messages be held unacknowledged as steps may run."""
        room = consumer.app.fleet_slots.room()
        if consumer.qos.value != room:
            consumer.qos.value = room
            consumer.qos.set(room)
