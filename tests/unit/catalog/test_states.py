"""States: what may follow what."""

import pytest

from catalog.states import (
    AssetState,
    IllegalTransitionError,
    RunState,
    StepState,
    before,
    is_terminal,
    require,
)


def test_a_legal_transition_is_given_back() -> None:
    assert require(StepState.QUEUED, StepState.RUNNING) is StepState.RUNNING


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (StepState.PENDING, StepState.RUNNING),
        (StepState.SUCCEEDED, StepState.FAILED),
        (AssetState.UPSTREAM_FAILED, AssetState.RUNNING),
        (RunState.CANCELLED, RunState.RUNNING),
        (RunState.QUEUED, RunState.SUCCEEDED),
    ],
)
def test_an_illegal_transition_raises_and_names_both(old: StepState, new: StepState) -> None:
    with pytest.raises(IllegalTransitionError, match=f"{old.value} may not become {new.value}"):
        require(old, new)


def test_nothing_follows_a_terminal_state() -> None:
    for kind in (RunState, AssetState, StepState):
        for state in kind:
            followers = [new for new in kind if state in before(new)]
            assert is_terminal(state) == (not followers)


def test_before_names_what_a_compare_and_set_may_find() -> None:
    assert before(StepState.RUNNING) == (StepState.QUEUED,)
    assert before(AssetState.FAILED) == (AssetState.RUNNING,)
