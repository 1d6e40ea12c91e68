"""Delays between tries, and what may be tried more than once."""

from dataclasses import replace

import pytest

from assets_parser.model import Check, Column, CustomCheck, Hooks, Materialization
from assets_parser.spec import Step
from catalog.backoff import LONGEST, attempts, pause
from tests.support.plans import asset


def test_no_delay_stays_none() -> None:
    assert [pause(0.0, failures) for failures in (1, 2, 50)] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(("failures", "grown"), [(1, 10.0), (2, 20.0), (4, 80.0)])
def test_a_delay_doubles_with_each_failure_give_or_take_a_tenth(
    failures: int, grown: float
) -> None:
    seen = {pause(10.0, failures) for _ in range(50)}
    assert max(10.0, grown * 0.9) <= min(seen) and max(seen) <= grown * 1.1
    assert len(seen) > 5, "what failed together would come back together"


def test_the_delay_that_is_written_is_the_least() -> None:
    assert min(pause(60.0, 1) for _ in range(50)) == 60.0


def test_delays_end_at_an_hour_unless_a_longer_one_is_written() -> None:
    assert max(pause(60.0, 10_000) for _ in range(50)) <= LONGEST * 1.1
    assert min(pause(7200.0, 3) for _ in range(50)) == 7200.0


@pytest.mark.parametrize("step", ["script", "materialize", "query", "seed", "sensor", "checks"])
def test_a_step_may_be_tried_once_more_than_there_are_retries(step: Step) -> None:
    append = Materialization(type="table", strategy="append")
    assert attempts(asset("a", retries=2, materialization=append), step) == 3


@pytest.mark.parametrize("step", ["load", "ingest"])
@pytest.mark.parametrize("strategy", ["append", "delete+insert"])
def test_a_load_that_only_adds_rows_is_tried_again(step: Step, strategy: str) -> None:
    """The destination knows which run's rows it has, so a second try adds none."""
    made = asset("a", retries=2, materialization=Materialization(type="table", strategy=strategy))
    assert attempts(made, step) == 3
    named = asset("a", retries=2, parameters={"incremental_strategy": strategy})
    assert attempts(named, step) == 3


def test_a_query_that_can_fail_after_its_rows_are_committed_is_tried_once() -> None:
    append = Materialization(type="table", strategy="append")
    hooked = asset("a", retries=2, materialization=append, hooks=Hooks(post=("select 1",)))
    assert attempts(hooked, "query") == 1
    assert attempts(replace(hooked, full_refresh=True), "query") == 3
    assert attempts(replace(hooked, hooks=Hooks(pre=("select 1",))), "query") == 3
    plain = asset("a", retries=2, materialization=append)
    assert attempts(replace(plain, type="clickhouse.sql"), "query") == 1


def test_a_full_refresh_may_be_repeated_whatever_the_strategy() -> None:
    append = Materialization(type="table", strategy="append")
    assert attempts(asset("a", retries=2, materialization=append, full_refresh=True), "load") == 3


def test_checks_have_retries_of_their_own() -> None:
    column = Column(name="n", checks=(Check(name="not_null", retries=4),))
    custom = CustomCheck(name="sum", query="select 0", retries=1)
    assert (
        attempts(asset("a", retries=2, columns=(column,), custom_checks=(custom,)), "checks") == 5
    )
    assert attempts(asset("a", custom_checks=(custom,)), "checks") == 2
    assert attempts(asset("a", retries=2, custom_checks=(custom,)), "script") == 3
