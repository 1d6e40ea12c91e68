"""Runs: recorded, shown, cancelled."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from assets_parser.spec import Skipped
from catalog import claims, levels, runs
from catalog.claims import StepError
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record


def test_a_run_is_recorded_with_all_that_is_needed_to_explain_it(engine: Engine) -> None:
    made = plan([asset("a")], [asset("b", "a")], environment="prod", timeout=60.0)
    made = replace(made, skipped=(Skipped(asset="z", reason="it has not the tag daily"),))
    run_id = record(engine, made)
    view = runs.get(engine, run_id)
    assert (view.state, view.level, view.levels, view.assets) == ("queued", -1, 2, 2)
    assert (view.project, view.environment, view.submitter) == ("/project", "prod", "me@here, 1")
    assert view.deadline - view.created_at == pytest.approx(60.0)
    assert runs.options(engine, run_id) == made.options
    shown = c.assets(engine, run_id)
    assert [*shown] == ["a", "b", "z"]
    assert (shown["z"].state, shown["z"].reason) == ("skipped", "it has not the tag daily")


def test_a_run_id_is_taken_once_and_nothing_of_the_second_is_written(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a")]))
    where = {"fleet": "f", "project": "", "config": "", "submitter": ""}
    with pytest.raises(IntegrityError):
        runs.record(engine, plan([asset("b")]), run_id=run_id, **where)
    assert [*c.assets(engine, run_id)] == ["a"]


def test_an_unknown_run_is_an_error_that_names_the_nearest(engine: Engine) -> None:
    with pytest.raises(LookupError, match="has no runs yet"):
        runs.get(engine, "7f3k2")
    where = {"fleet": "f", "project": "", "config": "", "submitter": ""}
    runs.record(engine, plan([asset("a")]), run_id="7f3k2", **where)
    with pytest.raises(LookupError, match="did you mean 7f3k2"):
        runs.get(engine, "7f3k3")
    with pytest.raises(LookupError, match="the newest is 7f3k2"):
        runs.cancel(engine, "zzzzz", "why not")


def test_recent_runs_come_newest_first_with_counts(engine: Engine) -> None:
    first = record(engine, plan([asset("a")]))
    second = record(engine, plan([asset("a")]))
    c.begin(engine, first)
    c.succeed(engine, first, "a")
    levels.advance(engine, first)
    shown = runs.recent(engine, 5)
    assert [(view.id, dict(view.counts)) for view in shown] == [
        (second, {"queued": 1}),
        (first, {"succeeded": 1}),
    ]
    assert runs.recent(engine, 1, pipeline="shop")[0].id == second
    assert runs.recent(engine, 5, pipeline="other") == []


def test_only_what_changed_is_shown_again(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a"), asset("b")]))
    c.begin(engine, run_id)
    c.change(engine, "UPDATE asset_runs SET changed_at = 100.0")
    c.change(engine, "UPDATE steps SET changed_at = 100.0")
    c.take(engine, run_id, "a")
    changed = runs.asset_runs(engine, run_id, changed_since=runs.get(engine, run_id).now)
    assert [view.asset for view in changed] == ["a"]


def test_cancel_ends_a_run_at_once_if_nothing_of_it_runs(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a")], [asset("b", "a")]))
    c.begin(engine, run_id)
    assert runs.cancel(engine, run_id, "stopped by me")
    view = runs.get(engine, run_id)
    assert (view.state, view.reason) == ("cancelled", "stopped by me")
    assert view.counts == {"cancelled": 2} and view.ended_at is not None
    assert not runs.cancel(engine, run_id, "again")
    refused = c.try_to_take(engine, run_id, "a")
    assert "stopping as cancelled: stopped by me" in refused.reason


def test_the_last_running_step_ends_a_cancelled_run(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a", steps=("materialize", "load")), asset("b")]))
    c.begin(engine, run_id)
    a, b = c.take(engine, run_id, "a", "materialize"), c.take(engine, run_id, "b")
    runs.cancel(engine, run_id, "stopped by me")
    view = runs.get(engine, run_id)
    assert view.state == "running" and view.stopping
    assert isinstance(levels.advance(engine, run_id), levels.Nothing)
    assert not claims.succeed(engine, a, {}).run_ended
    assert claims.fail(engine, b, StepError(kind="cancelled", message="stopped")).run_ended
    assert runs.get(engine, run_id).state == "cancelled"
    assert c.states(engine, run_id) == {"a": "cancelled", "b": "cancelled"}
    assert c.steps(engine, run_id)["a", "load"] == "cancelled"


def test_a_step_that_had_only_to_end_keeps_its_success_in_a_cancelled_run(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a")]))
    c.begin(engine, run_id)
    claim = c.take(engine, run_id, "a")
    runs.cancel(engine, run_id, "stopped")
    assert claims.succeed(engine, claim, {}).run_ended
    assert c.states(engine, run_id) == {"a": "succeeded"}
    assert runs.get(engine, run_id).state == "cancelled"
