"""Claims: who may run a step, and what becomes of it."""

import pytest
from sqlalchemy import Engine

from catalog import claims, levels, runs
from catalog.claims import CheckRow, Claim, Deferred, Refused, StepError, Want
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record

DUCKDB = Want(name="duckdb:/data/shop.db", what="duckdb:shop")


@pytest.fixture
def three_steps(engine: Engine) -> str:
    """A run of one asset with three steps, whose level has begun."""
    run_id = record(engine, plan([asset("a", steps=("materialize", "load", "checks"))]))
    c.begin(engine, run_id)
    return run_id


def one_script(engine: Engine, **fields: object) -> str:
    """A run of one script, begun."""
    run_id = record(engine, plan([asset("a", **fields)]))
    c.begin(engine, run_id)
    return run_id


def test_a_second_claim_is_refused_and_names_the_holder(engine: Engine) -> None:
    run_id = one_script(engine)
    c.take(engine, run_id, "a")
    assert c.try_to_take(engine, run_id, "a") == Refused(
        reason="w1 (pid 1) runs it already, attempt 1"
    )


def test_a_step_of_a_level_that_has_not_begun_is_refused(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a")], [asset("b", "a")]))
    assert isinstance(c.try_to_take(engine, run_id, "a"), Refused)
    c.begin(engine, run_id)
    assert c.try_to_take(engine, run_id, "b") == Refused(reason="its level has not begun")


def test_a_step_is_claimable_only_after_its_predecessor_succeeded(
    engine: Engine, three_steps: str
) -> None:
    refused = c.try_to_take(engine, three_steps, "a", "load")
    assert refused == Refused(reason="its step materialize has not succeeded, it is queued")
    ended = c.succeed(engine, three_steps, "a", "materialize", data=None)
    assert (ended.next_step, ended.asset_done) == ("load", False)
    assert c.take(engine, three_steps, "a", "load").previous == {"data": None}


def test_a_step_that_the_catalog_does_not_know_is_refused(engine: Engine) -> None:
    assert "knows no step" in c.try_to_take(engine, "nope", "a").reason


def test_the_last_step_ends_the_asset_and_shows_what_was_done(
    engine: Engine, three_steps: str
) -> None:
    c.succeed(engine, three_steps, "a", "materialize")
    c.succeed(engine, three_steps, "a", "load", rows=7)
    claim = c.take(engine, three_steps, "a", "checks")
    good = CheckRow(id="a:id:unique", name="unique", column="id", passed=True)
    ended = claims.succeed(engine, claim, {"passed": 1}, [good])
    view = c.assets(engine, three_steps)["a"]
    assert ended.asset_done and view.state == "succeeded"
    assert (view.rows, view.checks_passed, view.checks_failed) == (7, 1, 0)
    assert [check.id for check in runs.check_results(engine, three_steps)] == ["a:id:unique"]


def test_a_failure_skips_later_steps_and_keeps_the_error(engine: Engine, three_steps: str) -> None:
    claim = c.take(engine, three_steps, "a", "materialize")
    frame = {"file": "a.py", "line": 3, "function": "materialize"}
    error = StepError(kind="materialize", message="ValueError: no\x00", frames=(frame,))
    assert claims.fail(engine, claim, error).asset_done
    view = c.assets(engine, three_steps)["a"]
    assert (view.state, view.blocks, view.step) == ("failed", True, "materialize")
    assert view.error["kind"] == "materialize" and view.error["frames"] == [frame]
    assert c.steps(engine, three_steps)["a", "load"] == "skipped"
    assert isinstance(c.try_to_take(engine, three_steps, "a", "load"), Refused)


@pytest.mark.parametrize(("blocking", "expected"), [(True, True), (False, False)])
def test_failed_checks_fail_the_asset_but_block_only_if_blocking(
    engine: Engine, blocking: bool, expected: bool
) -> None:
    run_id = one_script(engine, steps=("checks",))
    claim = c.take(engine, run_id, "a", "checks")
    checks = [
        CheckRow(id="a:id:unique", name="unique", blocking=True, passed=True),
        CheckRow(id="a:id:positive", name="positive", blocking=blocking, passed=False),
    ]
    claims.fail(engine, claim, StepError(kind="checks", message="1 of 2 checks failed"), checks)
    view = c.assets(engine, run_id)["a"]
    assert (view.state, view.blocks) == ("failed", expected)
    assert (view.checks_passed, view.checks_failed) == (1, 1)


def test_a_stale_claim_can_neither_succeed_nor_fail_nor_renew(engine: Engine) -> None:
    run_id = one_script(engine, retries=1)
    old = c.take(engine, run_id, "a")
    claims.fail(engine, old, StepError(kind="script", message="first"))
    new = c.take(engine, run_id, "a")
    assert new.token > old.token and new.number == 2
    assert claims.succeed(engine, old, {}).refused == "attempt 2 of the step replaced this one"
    assert claims.fail(engine, old, StepError(kind="script", message="x")).refused
    assert claims.renew(engine, old).fenced
    assert not claims.renew(engine, new).fenced
    assert claims.succeed(engine, new, {}).asset_done


def test_an_end_is_recorded_once(engine: Engine) -> None:
    run_id = one_script(engine)
    claim = c.take(engine, run_id, "a")
    claims.succeed(engine, claim, {})
    assert "succeeded already" in claims.succeed(engine, claim, {}).refused


def test_a_failed_step_with_retries_waits_for_its_delay_and_runs_again(engine: Engine) -> None:
    run_id = one_script(engine, retries=2, retries_delay=500.0)
    ended = c.fail(engine, run_id, "a", message="it broke")
    reason = ended.deferred
    assert not ended.asset_done and 500.0 <= ended.retry_in <= 550.0
    assert reason.startswith("attempt 1 of 3 failed: it broke; again in 5")
    again = c.try_to_take(engine, run_id, "a")
    assert isinstance(again, Deferred) and again.reason == reason
    assert again.not_before == pytest.approx(ended.retry_at)
    view = c.assets(engine, run_id)["a"]
    assert (view.state, view.step_state, view.reason) == ("running", "queued", reason)
    c.change(engine, "UPDATE steps SET not_before = 1.0")
    assert c.succeed(engine, run_id, "a").asset_done
    assert [a.state.value for a in runs.attempts(engine, run_id)] == ["failed", "succeeded"]
    assert c.assets(engine, run_id)["a"].error == {}


def test_retries_are_used_up(engine: Engine) -> None:
    run_id = one_script(engine, retries=1)
    assert c.fail(engine, run_id, "a").deferred
    assert c.fail(engine, run_id, "a").asset_done


@pytest.mark.parametrize("kind", ["lost", "config", "cancelled"])
def test_what_another_attempt_would_not_cure_is_not_tried_again(engine: Engine, kind: str) -> None:
    run_id = one_script(engine, retries=3)
    ended = claims.fail(engine, c.take(engine, run_id, "a"), StepError(kind=kind, message="no"))
    assert ended.asset_done


@pytest.mark.parametrize("strategy", ["append", "delete+insert", "merge"])
def test_a_load_is_tried_again_whatever_its_strategy(engine: Engine, strategy: str) -> None:
    """The database keeps which run's rows it has."""
    from assets_parser.model import Materialization

    made = asset(
        "a",
        steps=("materialize", "load"),
        retries=2,
        materialization=Materialization(type="table", strategy=strategy),
    )
    run_id = record(engine, plan([made]))
    by_step = {v.step: v.attempts_allowed for v in runs.step_views(engine, run_id)}
    assert by_step == {"materialize": 3, "load": 3}


def test_renewal_carries_progress_and_the_cancellation(engine: Engine) -> None:
    run_id = one_script(engine)
    claim = c.take(engine, run_id, "a")
    standing = claims.renew(engine, claim, lease=60.0, progress={"rows": 5})
    assert not standing.cancelled and not standing.fenced
    assert c.assets(engine, run_id)["a"].progress == {"rows": 5}
    runs.cancel(engine, run_id, "stopped by me")
    standing = claims.renew(engine, claim)
    assert (standing.cancelled, standing.reason) == (True, "stopped by me")


def test_the_spec_is_what_was_recorded(engine: Engine) -> None:
    made = asset("a", retries=3, secrets=())
    run_id = record(engine, plan([made]))
    assert claims.spec(engine, run_id, "a") == made
    with pytest.raises(LookupError, match="has no asset b"):
        claims.spec(engine, run_id, "b")


def test_a_busy_lock_defers_with_the_holders_name_and_its_release_wakes_the_oldest(
    engine: Engine,
) -> None:
    run_id = record(engine, plan([asset(name) for name in "abc"]))
    c.begin(engine, run_id)
    holder = c.take(engine, run_id, "a", locks=[DUCKDB])
    waiting = c.try_to_take(engine, run_id, "b", locks=[DUCKDB])
    reason = "waits for the lock on duckdb:shop (a)"
    assert waiting == Deferred(reason=reason, waiting_on=DUCKDB.name)
    c.try_to_take(engine, run_id, "c", locks=[DUCKDB])
    c.try_to_take(engine, run_id, "b", locks=[DUCKDB])  # asking again does not cost its place
    view = c.assets(engine, run_id)["b"]
    assert (view.state, view.reason, view.waiting_on) == ("queued", reason, DUCKDB.name)
    assert claims.succeed(engine, holder, {}).wake == ((run_id, "b", "script"),)
    woken = c.take(engine, run_id, "b", locks=[DUCKDB])
    error = StepError(kind="script", message="no")
    assert claims.fail(engine, woken, error).wake == ((run_id, "c", "script"),)
    last = c.take(engine, run_id, "c", locks=[DUCKDB])
    assert claims.succeed(engine, last, {}).wake == ()


def test_several_locks_are_taken_all_or_none(engine: Engine) -> None:
    run_id = record(engine, plan([asset(name) for name in "abc"]))
    c.begin(engine, run_id)
    x, y = Want(name="x"), Want(name="y")
    c.take(engine, run_id, "a", locks=[y])
    assert c.try_to_take(engine, run_id, "b", locks=[x, y]).waiting_on == "y"
    assert isinstance(c.try_to_take(engine, run_id, "c", locks=[x]), Claim)


def test_a_lock_of_capacity_two_is_held_twice(engine: Engine) -> None:
    run_id = record(engine, plan([asset(name) for name in "abc"]))
    c.begin(engine, run_id)
    cap = Want(name=f"run:{run_id}", capacity=2)
    first = c.take(engine, run_id, "a", locks=[cap])
    c.take(engine, run_id, "b", locks=[cap])
    third = c.try_to_take(engine, run_id, "c", locks=[cap])
    assert third.reason == "waits for one of the 2 places of this run (a, b)"
    assert claims.succeed(engine, first, {}).wake == ((run_id, "c", "script"),)


def test_a_holder_whose_lease_is_over_loses_its_lock_and_is_fenced(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a"), asset("b")]))
    c.begin(engine, run_id)
    gone = c.take(engine, run_id, "a", locks=[DUCKDB])
    c.expire(engine, gone)
    heir = c.take(engine, run_id, "b", locks=[DUCKDB])
    assert heir.token > gone.token
    standing = claims.renew(engine, gone)
    assert standing.fenced and "took its lock" in standing.reason
    assert "took its lock" in claims.succeed(engine, gone, {}).refused
    assert claims.succeed(engine, heir, {}).asset_done


def test_a_worker_that_was_late_goes_on_if_nobody_took_over(engine: Engine) -> None:
    run_id = one_script(engine)
    claim = c.take(engine, run_id, "a", locks=[DUCKDB])
    c.expire(engine, claim)
    assert not claims.renew(engine, claim).fenced
    assert claims.succeed(engine, claim, {}).asset_done


def test_a_finished_run_refuses_late_messages(engine: Engine) -> None:
    run_id = one_script(engine)
    c.succeed(engine, run_id, "a")
    assert isinstance(levels.advance(engine, run_id), levels.Finished)
    assert c.try_to_take(engine, run_id, "a") == Refused(reason=f"run {run_id} is succeeded")
