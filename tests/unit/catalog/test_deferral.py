"""Steps that wait without a slot: put back, sent when their time has come, never counted."""

import pytest
from sqlalchemy import Engine

from catalog import claims, recover, runs
from catalog.claims import CheckRow, Deferred, StepError, Want
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record

LOCK = Want(name="duckdb:/data/shop.db")


def begun(engine: Engine, *names: str, **fields: object) -> str:
    """A run whose first level has begun."""
    run_id = record(engine, plan([asset(name, **fields) for name in names]))
    c.begin(engine, run_id)
    return run_id


def let_time_pass(engine: Engine, seconds: float) -> None:
    """As if everything had been written so long ago."""
    for name in ("not_before", "queued_at", "sent_at", "begun_at"):
        c.change(engine, f"UPDATE steps SET {name} = {name} - :by WHERE {name} > 0", by=seconds)


def test_a_deferred_step_is_queued_with_its_reason_and_its_time(engine: Engine) -> None:
    run_id = begun(engine, "a")
    ended = claims.defer(engine, c.take(engine, run_id, "a"), "no rows yet", 30.0)
    assert (ended.asset_done, ended.deferred, ended.retry_in) == (False, "no rows yet", 30.0)
    view = c.assets(engine, run_id)["a"]
    assert (view.state, view.step_state, view.reason) == ("running", "queued", "no rows yet")
    assert view.not_before == ended.retry_at
    early = c.try_to_take(engine, run_id, "a")
    assert isinstance(early, Deferred) and early.reason == "no rows yet"


def test_a_deferred_step_gives_its_locks_to_who_waits_for_them(engine: Engine) -> None:
    run_id = begun(engine, "a", "b")
    holder = c.take(engine, run_id, "a", locks=[LOCK])
    c.try_to_take(engine, run_id, "b", locks=[LOCK])
    ended = claims.defer(engine, holder, "no rows yet", 30.0)
    assert ended.wake == ((run_id, "b", "script"),)
    assert c.take(engine, run_id, "b", locks=[LOCK])


def test_a_deferral_counts_against_no_retries(engine: Engine) -> None:
    run_id = begun(engine, "a")
    for _ in range(3):
        claim = c.take(engine, run_id, "a")
        assert (claim.number, claim.attempts_allowed) == (1, 1)
        claims.defer(engine, claim, "no rows yet", 0.0)
    assert c.succeed(engine, run_id, "a").asset_done


def test_the_time_waited_goes_on_over_all_deferrals_of_a_try(engine: Engine) -> None:
    run_id = begun(engine, "a", retries=1)
    first = c.take(engine, run_id, "a")
    assert first.waited == pytest.approx(0.0, abs=60.0)
    claims.defer(engine, first, "no rows yet", 600.0)
    let_time_pass(engine, 600.0)
    second = c.take(engine, run_id, "a")
    assert second.waited == pytest.approx(600.0, abs=60.0)
    claims.fail(engine, second, StepError(kind="timeout", message="it took too long"))
    again = c.take(engine, run_id, "a")
    assert again.number == 2 and again.waited == pytest.approx(0.0, abs=60.0)


def test_a_thousand_deferrals_leave_one_attempt(engine: Engine) -> None:
    run_id = begun(engine, "a")
    tokens = []
    for _ in range(20):
        claim = c.take(engine, run_id, "a")
        tokens.append(claim.token)
        claims.defer(engine, claim, "no rows yet", 0.0)
    assert [(a.token, a.state) for a in runs.attempts(engine, run_id)] == [(tokens[-1], "deferred")]
    assert tokens == sorted(set(tokens)), "a token was given twice"


def test_a_stale_claim_cannot_defer(engine: Engine) -> None:
    run_id = begun(engine, "a")
    claim = c.take(engine, run_id, "a")
    claims.defer(engine, claim, "no rows yet", 0.0)
    c.take(engine, run_id, "a")
    assert "replaced" in claims.defer(engine, claim, "late", 0.0).refused


def test_a_step_of_a_stopping_run_is_cancelled_instead(engine: Engine) -> None:
    run_id = begun(engine, "a")
    claim = c.take(engine, run_id, "a")
    runs.cancel(engine, run_id, "enough")
    ended = claims.defer(engine, claim, "no rows yet", 30.0)
    assert (ended.deferred, ended.run_ended) == ("", True)
    assert c.states(engine, run_id) == {"a": "cancelled"}


def test_a_deferred_step_is_cancelled_with_its_run(engine: Engine) -> None:
    run_id = begun(engine, "a")
    claims.defer(engine, c.take(engine, run_id, "a"), "no rows yet", 30.0)
    runs.cancel(engine, run_id, "enough")
    assert str(runs.get(engine, run_id).state) == "cancelled"


def test_the_next_due_time_is_known(engine: Engine) -> None:
    run_id = begun(engine, "a", "b")
    assert recover.next_due(engine, "fleet") is None
    claims.defer(engine, c.take(engine, run_id, "a"), "no rows yet", 300.0)
    claims.defer(engine, c.take(engine, run_id, "b"), "no rows yet", 9000.0)
    assert recover.next_due(engine, "fleet") == pytest.approx(300.0, abs=60.0)
    assert recover.next_due(engine, "another") is None
    let_time_pass(engine, 600.0)
    assert recover.stale(engine, "fleet") == [(run_id, "a", "script")]
    assert recover.next_due(engine, "fleet") == pytest.approx(8400.0, abs=60.0)


def test_only_failed_checks_with_retries_left_are_tried_again(engine: Engine) -> None:
    run_id = begun(engine, "a", steps=("checks",), retries=3)
    good = CheckRow(id="a:n:not_null", name="not_null", passed=True, retries=3)
    bad = CheckRow(id="a:n:unique", name="unique", passed=False, retries=1)
    error = StepError(kind="checks", message="1 of 2 checks failed")
    first = c.take(engine, run_id, "a", "checks")
    assert first.earlier == ()
    assert claims.fail(engine, first, error, [good, bad]).deferred
    second = c.take(engine, run_id, "a", "checks")
    assert [(row.id, row.passed) for row in second.earlier] == [(good.id, True), (bad.id, False)]
    assert claims.fail(engine, second, error, [good, bad]).asset_done


def test_a_deferral_between_two_tries_hides_no_earlier_checks(engine: Engine) -> None:
    run_id = begun(engine, "a", steps=("checks",), retries=3)
    bad = CheckRow(id="a:n:unique", name="unique", passed=False)
    error = StepError(kind="checks", message="1 of 1 checks failed")
    claims.fail(engine, c.take(engine, run_id, "a", "checks"), error, [bad])
    claims.defer(engine, c.take(engine, run_id, "a", "checks"), "not yet", 0.0)
    assert [row.id for row in c.take(engine, run_id, "a", "checks").earlier] == [bad.id]
