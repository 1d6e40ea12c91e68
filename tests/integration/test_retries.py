"""Retries that really happen, in a real worker: only what failed, after its delay."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from catalog import runs
from tests.support.broker import Valkey
from tests.support.fleet import Fleet, asset


@pytest.fixture
def fleet(tmp_path: Path, valkey: Valkey) -> Iterator[Fleet]:
    """A fleet whose reconcile comes too late to be of help."""
    fleet = Fleet(tmp_path, valkey, reconcile_every=600)
    yield fleet
    fleet.close()


def test_a_failed_step_is_tried_again_and_what_succeeded_before_it_is_not(fleet: Fleet) -> None:
    fleet.worker("w1")
    made = asset("a", "materialize", "load", "checks", load_breaks=2)
    fleet.submit([replace(made, retries=2)])
    assert fleet.wait("aaaaa") == "succeeded"
    assert fleet.notes() == [
        "start a materialize",
        "end a materialize",
        *["start a load", "break a load"] * 2,
        "start a load",
        "end a load",
        "start a checks",
        "end a checks",
    ]


def test_retries_wait_longer_each_time_and_come_on_time(fleet: Fleet) -> None:
    fleet.worker("w1")
    fleet.submit([replace(asset("a", script_breaks=3), retries=3, retries_delay=0.4)])
    assert fleet.wait("aaaaa") == "succeeded"
    tries = runs.attempts(fleet.engine, "aaaaa")
    ends = [attempt.ended_at or 0.0 for attempt in tries]
    pauses = [after.started_at - end for end, after in zip(ends, tries[1:], strict=False)]
    assert [attempt.state for attempt in tries] == [*["failed"] * 3, "succeeded"]
    assert pauses[0] >= 0.4 and pauses[1] >= 0.72 and pauses[2] >= 1.44


def test_retries_end(fleet: Fleet) -> None:
    fleet.worker("w1")
    fleet.submit([replace(asset("a", script_fails="no way"), retries=1)])
    assert fleet.wait("aaaaa") == "failed"
    (view,) = runs.asset_runs(fleet.engine, "aaaaa")
    assert (view.attempt, view.attempts_allowed, view.error["message"]) == (2, 2, "no way")
    assert fleet.notes() == ["start a script"] * 2
