"""Levels: how a run goes from one to the next."""

from sqlalchemy import Engine

from catalog import claims, levels, runs
from catalog.claims import CheckRow, StepError
from catalog.levels import Finished, Nothing, Published
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record


def test_a_run_goes_level_by_level_and_succeeds(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a")], [asset("b", "a", steps=("materialize", "load"))]))
    assert levels.begin(engine, run_id) == Published(level=0, chains=(("a", ("script",)),))
    assert isinstance(levels.advance(engine, run_id), Nothing)
    c.succeed(engine, run_id, "a")
    second = levels.advance(engine, run_id)
    assert second == Published(level=1, chains=(("b", ("materialize", "load")),))
    c.succeed(engine, run_id, "b", "materialize")
    c.succeed(engine, run_id, "b", "load")
    assert levels.advance(engine, run_id) == Finished(state="succeeded", counts={"succeeded": 2})
    view = runs.get(engine, run_id)
    assert view.state == "succeeded" and view.ended_at is not None and not view.reason


def test_begin_and_advance_do_nothing_twice(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a")]))
    assert isinstance(levels.begin(engine, run_id), Published)
    assert isinstance(levels.begin(engine, run_id), Nothing)
    c.succeed(engine, run_id, "a")
    assert isinstance(levels.advance(engine, run_id), Finished)
    assert levels.advance(engine, run_id) == Nothing(reason=f"run {run_id} is succeeded already")


def test_what_depends_on_a_failure_does_not_run_and_says_why(engine: Engine) -> None:
    made = plan([asset("a"), asset("x")], [asset("b", "a"), asset("y", "x")], [asset("d", "b")])
    run_id = record(engine, made)
    c.begin(engine, run_id)
    c.fail(engine, run_id, "a")
    c.succeed(engine, run_id, "x")
    assert levels.advance(engine, run_id) == Published(level=1, chains=(("y", ("script",)),))
    c.succeed(engine, run_id, "y")
    ended = levels.advance(engine, run_id)
    assert isinstance(ended, Finished) and ended.state == "failed"
    assert c.states(engine, run_id) == {
        "a": "failed",
        "x": "succeeded",
        "b": "upstream_failed",
        "y": "succeeded",
        "d": "upstream_failed",
    }
    views = c.assets(engine, run_id)
    assert views["b"].reason == "upstream a failed"
    assert views["d"].reason == "upstream a failed (by way of b)"
    assert c.steps(engine, run_id)["d", "script"] == "skipped"
    assert runs.get(engine, run_id).reason == "1 failed, 2 upstream failed"


def test_a_failed_check_that_does_not_block_lets_descendants_run(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a", steps=("checks",))], [asset("b", "a")]))
    c.begin(engine, run_id)
    bad = CheckRow(id="a:id:unique", name="unique", blocking=False, passed=False)
    claim = c.take(engine, run_id, "a", "checks")
    claims.fail(engine, claim, StepError(kind="checks", message="1 of 1 failed"), [bad])
    assert isinstance(levels.advance(engine, run_id), Published)
    c.succeed(engine, run_id, "b")
    ended = levels.advance(engine, run_id)
    assert isinstance(ended, Finished) and ended.state == "failed"


def test_a_level_without_anything_to_run_is_passed_through(engine: Engine) -> None:
    nothing = plan([asset("a", steps=())], [asset("b", "a", steps=())], [asset("d", "b")])
    run_id = record(engine, nothing)
    assert levels.begin(engine, run_id) == Published(level=2, chains=(("d", ("script",)),))
    assert c.states(engine, run_id)["a"] == "succeeded"


def test_a_plan_without_assets_succeeds_at_once(engine: Engine) -> None:
    run_id = record(engine, plan())
    assert levels.begin(engine, run_id) == Finished(state="succeeded", counts={})
    run_id = record(engine, plan([asset("a", steps=())]))
    assert isinstance(levels.begin(engine, run_id), Finished)


def test_a_chain_that_was_sent_is_not_stale(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a"), asset("b")]))
    c.begin(engine, run_id)
    levels.confirm_sent(engine, run_id, ["a"])
    sent = {view.asset: view.sent_at for view in runs.step_views(engine, run_id)}
    assert sent["a"] is not None and sent["b"] is None


def test_many_dependants_of_many_failures_are_all_marked_with_their_own_reason(
    engine: Engine,
) -> None:
    """Several assets of one level are blocked at once, by different failures."""
    names = [str(number) for number in range(7)]
    first = [asset(f"a{n}") for n in names]
    run_id = record(engine, plan(first, [asset(f"b{n}", f"a{n}") for n in names]))
    c.begin(engine, run_id)
    for n in names:
        c.fail(engine, run_id, f"a{n}")
    ended = levels.advance(engine, run_id)
    assert isinstance(ended, Finished) and ended.counts == {"failed": 7, "upstream_failed": 7}
    reasons = {view.asset: view.reason for view in c.assets(engine, run_id).values()}
    assert all(reasons[f"b{n}"] == f"upstream a{n} failed" for n in names)
