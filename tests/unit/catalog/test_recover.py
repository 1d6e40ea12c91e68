"""Recovery: what was lost is found, by one caller only."""

from sqlalchemy import Engine

from catalog import claims, levels, recover, runs
from catalog.claims import Want
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record

LOCK = Want(name="duckdb:/data/shop.db")


def begun(engine: Engine, *names: str, **fields: object) -> str:
    """A run whose first level has been sent."""
    run_id = record(engine, plan([asset(name, **fields) for name in names]))
    levels.confirm_sent(engine, run_id, c.begin(engine, run_id))
    return run_id


def test_a_step_whose_lease_is_over_fails_and_says_which_worker_was_lost(engine: Engine) -> None:
    run_id = begun(engine, "a", "b", retries=3)
    gone, alive = c.take(engine, run_id, "a"), c.take(engine, run_id, "b")
    c.expire(engine, gone)
    found = recover.lost(engine, "fleet")
    assert [(item.asset, item.worker, item.ended.asset_done) for item in found] == [
        ("a", "w1", True)
    ]
    view = c.assets(engine, run_id)["a"]
    assert (view.state, view.step_state) == ("failed", "lost")
    assert view.error["message"] == "worker w1 was lost while it ran this step"
    assert recover.lost(engine, "fleet") == []
    assert claims.succeed(engine, gone, {}).refused
    assert claims.succeed(engine, alive, {}).asset_done


def test_other_fleets_are_left_alone(engine: Engine) -> None:
    run_id = begun(engine, "a")
    c.expire(engine, c.take(engine, run_id, "a"))
    assert recover.lost(engine, "another") == []


def test_the_lock_of_a_lost_step_wakes_the_next(engine: Engine) -> None:
    run_id = begun(engine, "a", "b")
    gone = c.take(engine, run_id, "a", locks=[LOCK])
    c.try_to_take(engine, run_id, "b", locks=[LOCK])
    c.expire(engine, gone)
    (found,) = recover.lost(engine, "fleet")
    assert found.ended.wake == ((run_id, "b", "script"),)


def test_a_lost_step_whose_lock_was_taken_over_is_buried_too(engine: Engine) -> None:
    run_id = begun(engine, "a", "b")
    gone = c.take(engine, run_id, "a", locks=[LOCK])
    c.expire(engine, gone)
    heir = c.take(engine, run_id, "b", locks=[LOCK])
    assert [item.asset for item in recover.lost(engine, "fleet")] == ["a"]
    assert claims.succeed(engine, heir, {}).asset_done


def test_what_never_reached_the_broker_is_sent_again_once(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a")]))
    c.begin(engine, run_id)
    assert recover.stale(engine, "fleet") == []
    c.change(engine, "UPDATE steps SET queued_at = queued_at - 11")
    assert recover.stale(engine, "fleet") == [(run_id, "a", "script")]
    assert recover.stale(engine, "fleet") == []


def test_what_was_sent_and_not_taken_is_sent_again_later_and_later(engine: Engine) -> None:
    run_id = begun(engine, "a")
    c.change(engine, "UPDATE steps SET sent_at = sent_at - 31")
    assert recover.stale(engine, "fleet") == [(run_id, "a", "script")]
    c.change(engine, "UPDATE steps SET sent_at = sent_at - 31")
    assert recover.stale(engine, "fleet") == []
    c.change(engine, "UPDATE steps SET sent_at = sent_at - 90")
    assert recover.stale(engine, "fleet") == [(run_id, "a", "script")]


def test_a_step_whose_time_has_come_is_sent(engine: Engine) -> None:
    run_id = begun(engine, "a", retries=1, retries_delay=60.0)
    c.fail(engine, run_id, "a")
    assert recover.stale(engine, "fleet") == []
    c.change(engine, "UPDATE steps SET not_before = not_before - 70, sent_at = sent_at - 70")
    assert recover.stale(engine, "fleet") == [(run_id, "a", "script")]
    assert recover.stale(engine, "fleet") == []


def test_a_waiting_step_whose_wakening_was_lost_is_found_oldest_first(engine: Engine) -> None:
    run_id = begun(engine, "a", "b", "d")
    holder = c.take(engine, run_id, "a", locks=[LOCK])
    c.try_to_take(engine, run_id, "b", locks=[LOCK])
    c.try_to_take(engine, run_id, "d", locks=[LOCK])
    assert recover.stale(engine, "fleet") == []
    c.expire(engine, holder)
    assert recover.stale(engine, "fleet") == [(run_id, "b", "script")]


def test_levels_whose_chord_never_came_back_are_found(engine: Engine) -> None:
    run_id = begun(engine, "a")
    assert recover.stuck_levels(engine, "fleet") == []
    c.succeed(engine, run_id, "a")
    assert recover.stuck_levels(engine, "fleet") == [run_id]
    levels.advance(engine, run_id)
    assert recover.stuck_levels(engine, "fleet") == []


def test_a_run_whose_first_message_was_lost_is_found(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a")]))
    assert recover.stuck_levels(engine, "fleet") == []
    c.change(engine, "UPDATE runs SET created_at = created_at - 11")
    assert recover.stuck_levels(engine, "fleet") == [run_id]


def test_a_run_past_its_deadline_is_stopped_and_fails(engine: Engine) -> None:
    made = plan([asset("a"), asset("b")], timeout=30.0)
    run_id = record(engine, made)
    c.begin(engine, run_id)
    claim = c.take(engine, run_id, "a")
    assert recover.overdue(engine, "fleet") == []
    c.change(engine, "UPDATE runs SET deadline = deadline - 31, created_at = created_at - 31")
    assert recover.overdue(engine, "fleet") == [run_id]
    assert recover.overdue(engine, "fleet") == []
    assert claims.renew(engine, claim).reason == "it took longer than 30 s"
    c.expire(engine, claim)
    recover.lost(engine, "fleet")
    view = runs.get(engine, run_id)
    assert (view.state, view.reason) == ("failed", "it took longer than 30 s")
    assert c.states(engine, run_id) == {"a": "failed", "b": "cancelled"}


def test_a_cancelled_run_ends_when_the_lease_of_its_last_step_is_over(engine: Engine) -> None:
    run_id = begun(engine, "a")
    claim = c.take(engine, run_id, "a")
    runs.cancel(engine, run_id, "stopped")
    assert recover.finish_cancelled(engine, "fleet") == []
    c.expire(engine, claim)
    (found,) = recover.lost(engine, "fleet")
    assert found.ended.run_ended and runs.get(engine, run_id).state == "cancelled"


def test_the_runs_of_a_dead_fleet_are_interrupted(engine: Engine) -> None:
    running, waiting = begun(engine, "a", "b"), record(engine, plan([asset("a")]))
    claim = c.take(engine, running, "a")
    why = "the fleet that ran it is gone"
    assert set(recover.interrupt(engine, "fleet", why)) == {running, waiting}
    for run_id in (running, waiting):
        view = runs.get(engine, run_id)
        assert (view.state, view.reason) == ("interrupted", why)
    assert c.states(engine, running) == {"a": "failed", "b": "cancelled"}
    assert claims.succeed(engine, claim, {}).refused
