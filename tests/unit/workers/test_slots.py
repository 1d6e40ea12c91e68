"""workers.slots: heavy steps take several slots, go back if there are not so many, have a turn."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from workers import slots
from workers.errors import NotYet, StepFailed
from workers.slots import Slots, weighed
from workers.weights import of_step, parsed


@dataclass
class Stop:
    """Whether the step must end."""

    reason: str | None = None
    event: threading.Event = field(default_factory=threading.Event)

    def wait(self, timeout: float) -> str | None:
        """Sleep."""
        self.event.wait(min(timeout, 0.01))
        return self.reason


@dataclass
class Step:
    """As much of a step's context as is asked for."""

    instance: str = ""
    name: str = "script"
    waited: float = 0.0
    stop: Stop = field(default_factory=Stop)
    notes: list[str] = field(default_factory=list)

    @property
    def spec(self) -> Any:
        """Its asset."""
        return self

    @property
    def claim(self) -> Any:
        """Its claim."""
        return self

    @property
    def step(self) -> str:
        """Which step it is."""
        return self.name

    def progress(self, facts: dict[str, str]) -> None:
        """What it shows."""
        self.notes.append(facts["note"])


@pytest.fixture
def made(tmp_path: Path) -> Slots:
    """Three slots."""
    return Slots(tmp_path / "slots", 3)


def run(made: Slots, step: Step, work: Callable[[], object] = lambda: None) -> None:
    """The step's work, once it has its slots."""
    function: Any = weighed(lambda name: lambda context: work(), {"b1": 3, "b9": 9}, made)
    function(step.name)(step)


def test_a_heavy_step_leaves_no_slot_to_others(made: Slots) -> None:
    """While it runs; its load weighs one."""
    rooms: list[int] = []

    def beside() -> None:
        rooms.append(made.room())
        with pytest.raises(NotYet, match="waits for a free slot of the worker's 3"):
            run(made, Step())

    run(made, Step("b1"), beside)
    assert rooms == [1]
    assert made.room() == 3
    run(made, Step("b1", name="load"), lambda: run(made, Step()))


def test_a_heavy_step_that_does_not_fit_goes_back(made: Slots) -> None:
    """Without holding what it found."""

    def beside() -> None:
        with pytest.raises(NotYet, match="waits for 3 free slots"):
            run(made, Step("b1"))
        run(made, Step(), lambda: run(made, Step()))

    run(made, Step(), beside)


def test_a_heavy_step_that_waited_long_has_its_turn(made: Slots) -> None:
    """Nothing new begins before it; it begins when what ran has ended."""
    heavy = Step("b1", waited=slots.PATIENCE)
    ended: list[str] = []
    thread = threading.Thread(target=lambda: run(made, heavy, lambda: ended.append("heavy")))

    def beside() -> None:
        thread.start()
        while not heavy.notes:
            heavy.stop.wait(0.01)
        with pytest.raises(NotYet):
            run(made, Step())
        assert made.room() == 1
        ended.append("light")

    run(made, Step(), beside)
    thread.join(30)
    assert ended == ["light", "heavy"]


def test_a_step_in_its_turn_can_be_cancelled(made: Slots) -> None:
    """It holds nothing afterwards."""
    heavy = Step("b1", waited=slots.PATIENCE, stop=Stop(reason="cancelled"))

    def beside() -> None:
        with pytest.raises(StepFailed, match="cancelled"):
            run(made, heavy)

    run(made, Step(), beside)
    run(made, Step("b1"))


def test_what_is_too_heavy_for_the_worker_goes_back_for_ever(made: Slots) -> None:
    """It has no turn here: another worker may have the slots."""
    with pytest.raises(NotYet, match="it takes 9 slots, this worker has 3"):
        run(made, Step("b9", waited=slots.PATIENCE))


@pytest.mark.parametrize("text", ["b1", "=2", "b1=", "b1=0", "b1=-1", "b1=x", "b1=1001", "b1=²"])
def test_what_is_no_weight_is_refused(text: str) -> None:
    """With the text that is wrong."""
    with pytest.raises(ValueError, match="is no weight"):
        parsed([text])


def test_weights_are_of_instances() -> None:
    """All others weigh one."""
    weights = parsed(["b1.large=2", "b1.xlarge = 4"])
    assert weights == {"b1.large": 2, "b1.xlarge": 4}
    assert of_step(weights, "b1.large", "materialize") == 2
    assert of_step(weights, "b1.large", "checks") == of_step(weights, "", "script") == 1
