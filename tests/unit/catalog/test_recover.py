"""Recovery: what was lost is found, by one caller only."""

import pytest
from sqlalchemy import Engine

from catalog import claims, levels, recover, runs, workers
from catalog.claims import StepKey, Want
from catalog.workers import WorkerInfo
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record

LOCK = Want(name="duckdb:/data/shop.db")


def begun(engine: Engine, *names: str, **fields: object) -> str:
    """A run whose first level has been sent."""
    run_id = record(engine, plan([asset(name, **fields) for name in names]))
    levels.confirm_sent(engine, run_id, c.begin(engine, run_id))
    return run_id


def lose(engine: Engine, run_id: str, asset: str, **bound: int) -> recover.Lost:
    """Claim the asset's script and let its worker be lost."""
    c.expire(engine, c.take(engine, run_id, asset))
    (found,) = recover.lost(engine, "fleet", **bound)
    return found


def test_a_step_whose_lease_is_over_is_queued_again_and_says_which_worker_was_lost(
    engine: Engine,
) -> None:
    run_id = begun(engine, "a", "b")
    gone, alive = c.take(engine, run_id, "a"), c.take(engine, run_id, "b")
    c.expire(engine, gone)
    (found,) = recover.lost(engine, "fleet")
    said = "worker w1 was lost while it ran this step; again, loss 1 of 3"
    assert (found.asset, found.worker, found.reason) == ("a", "w1", said)
    view = c.assets(engine, run_id)["a"]
    assert (view.state, view.step_state, view.reason) == ("running", "queued", said)
    assert recover.lost(engine, "fleet") == []
    assert recover.stale(engine, "fleet") == [(run_id, "a", "script")]
    assert recover.stale(engine, "fleet") == []
    assert claims.succeed(engine, gone, {}).refused
    assert claims.renew(engine, gone).fenced
    assert claims.succeed(engine, alive, {}).asset_done
    assert c.succeed(engine, run_id, "a").asset_done
    ends = [(str(a.state), a.number) for a in runs.attempts(engine, run_id, "a")]
    assert ends == [("lost", 1), ("succeeded", 2)]


def test_what_an_asset_got_over_is_told_at_its_end_as_well(engine: Engine) -> None:
    """A follower that looks now and then may see nothing of it before."""
    run_id = begun(engine, "a", "b", retries=1)
    lose(engine, run_id, "a")
    c.succeed(engine, run_id, "a")
    c.fail(engine, run_id, "b")
    assert c.fail(engine, run_id, "b").asset_done
    views = c.assets(engine, run_id)
    assert views["a"].before == "worker w1 was lost while it ran this step"
    assert views["b"].before == "", "the asset's own error says it"


def test_what_was_lost_uses_up_no_retry(engine: Engine) -> None:
    run_id = begun(engine, "a", retries=1)
    lose(engine, run_id, "a")
    first = c.fail(engine, run_id, "a")
    assert first.deferred.startswith("attempt 1 of 2 failed")
    lose(engine, run_id, "a")
    assert c.fail(engine, run_id, "a").asset_done


def test_a_step_that_is_lost_too_often_is_quarantined(engine: Engine) -> None:
    run_id = begun(engine, "a", retries=9)
    for _ in range(2):
        assert not lose(engine, run_id, "a", losses_allowed=2).ended.asset_done
    assert lose(engine, run_id, "a", losses_allowed=2).ended.asset_done
    view = c.assets(engine, run_id)["a"]
    assert (view.state, view.step_state, view.error["kind"]) == ("failed", "lost", "lost")
    assert view.reason.startswith("quarantined after 3 losses")
    assert "It was lost on w1." in view.error["detail"] and "no memory" in view.error["hint"]


def test_a_process_that_was_killed_counts_as_a_loss_at_once(engine: Engine) -> None:
    run_id = begun(engine, "a")
    claim = c.take(engine, run_id, "a")
    message = "process 1 of worker w1 was killed by SIGKILL"
    assert recover.died(engine, claim, message).deferred == f"{message}; again, loss 1 of 3"
    assert recover.died(engine, claim, message).refused
    assert c.take(engine, run_id, "a").losses == 1
    assert c.value(engine, "SELECT deaths FROM steps") == 1


def test_an_asset_may_forbid_another_run_after_a_loss(engine: Engine) -> None:
    run_id = begun(engine, "a", rerun_after_loss=False)
    assert lose(engine, run_id, "a").ended.asset_done
    assert "forbids another run after a loss" in c.assets(engine, run_id)["a"].reason


def test_checks_only_look_so_they_are_asked_again_whatever_the_asset_forbids(
    engine: Engine,
) -> None:
    run_id = begun(engine, "a", steps=("checks",), rerun_after_loss=False)
    c.expire(engine, c.take(engine, run_id, "a", "checks"))
    (found,) = recover.lost(engine, "fleet")
    assert found.ended.deferred


def test_a_lost_step_whose_description_cannot_be_read_fails(engine: Engine) -> None:
    run_id = begun(engine, "a")
    claim = c.take(engine, run_id, "a")
    c.change(engine, "UPDATE asset_runs SET spec_json = '{'")
    c.expire(engine, claim)
    (found,) = recover.lost(engine, "fleet")
    assert found.ended.asset_done
    assert "cannot be read" in c.assets(engine, run_id)["a"].reason


@pytest.mark.parametrize(("step", "waited"), [("script", 0.0), ("sensor", 900.0)])
def test_the_time_that_lost_work_took_is_no_time_that_it_waited(
    engine: Engine, step: str, waited: float
) -> None:
    run_id = begun(engine, "a", steps=(step,))
    gone = c.take(engine, run_id, "a", step)
    c.change(engine, "UPDATE steps SET begun_at = begun_at - 900")
    c.expire(engine, gone)
    recover.lost(engine, "fleet")
    again = c.take(engine, run_id, "a", step)
    assert again.waited == pytest.approx(waited, abs=60.0)
    c.change(engine, "UPDATE steps SET begun_at = begun_at - 900")
    claims.give_back(engine, again, "the worker was told to stop")
    assert c.take(engine, run_id, "a", step).waited == pytest.approx(waited * 2, abs=60.0)


def test_a_worker_that_comes_back_keeps_its_claim_if_nobody_took_it(engine: Engine) -> None:
    run_id = begun(engine, "a")
    claim = c.take(engine, run_id, "a")
    c.expire(engine, claim)
    assert not claims.renew(engine, claim).fenced
    assert recover.lost(engine, "fleet") == []
    assert claims.succeed(engine, claim, {}).asset_done


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
    c.change(engine, "UPDATE steps SET queued_at = queued_at + 600")  # however slow the test is
    assert recover.stale(engine, "fleet") == []
    c.change(engine, "UPDATE steps SET queued_at = queued_at - 611")
    assert recover.stale(engine, "fleet") == [(run_id, "a", "script")]
    assert recover.stale(engine, "fleet") == []


def idle_worker(engine: Engine, *queues: str) -> None:
    """A living worker of one slot that does nothing."""
    told = WorkerInfo(name="w1", fleet="fleet", host="h", pid=1, slots=1, queues=queues)
    workers.register(engine, told)


def grown_old(engine: Engine, seconds: float) -> list[StepKey]:
    """What is sent again after so many more seconds."""
    c.change(engine, f"UPDATE steps SET sent_at = sent_at - {seconds}")
    return recover.stale(engine, "fleet")


def test_what_was_sent_and_not_taken_is_sent_again_later_and_later(engine: Engine) -> None:
    key = (begun(engine, "a"), "a", "script")
    idle_worker(engine, "fleet")
    assert [grown_old(engine, seconds) for seconds in (31, 31, 90)] == [[key], [], [key]]


def test_what_an_idle_worker_did_not_take_is_sent_again_soon(engine: Engine) -> None:
    """Its message went with a worker or a broker; one for each free slot, the oldest first."""
    run_id = begun(engine, "a", "b")
    assert grown_old(engine, 6) == [], "nobody is there to take it"
    idle_worker(engine, "fleet")
    assert grown_old(engine, 0) == [(run_id, "a", "script")]
    holder = c.take(engine, run_id, "a")
    assert grown_old(engine, 6) == [], "whoever could take it is busy"
    claims.succeed(engine, holder, {})
    assert grown_old(engine, 0) == [(run_id, "b", "script")]
    assert grown_old(engine, 6) == [], "a third copy needs more patience"


def test_while_all_workers_are_busy_there_is_one_copy_more_at_most(engine: Engine) -> None:
    run_id = begun(engine, "a", "b")
    idle_worker(engine, "fleet")
    holder, key = c.take(engine, run_id, "b"), (run_id, "a", "script")
    assert [grown_old(engine, seconds) for seconds in (31, 5000)] == [[key], []]
    claims.succeed(engine, holder, {})
    assert grown_old(engine, 0) == [key]


def test_idle_workers_of_another_queue_are_no_reason_for_more_copies(engine: Engine) -> None:
    key = (begun(engine, "a"), "a", "script")
    idle_worker(engine, "gpu")
    c.change(engine, "UPDATE steps SET queue = '@h'")
    assert [grown_old(engine, seconds) for seconds in (31, 5000)] == [[key], []]
    c.change(engine, "UPDATE steps SET queue = '@h:gpu'")
    assert grown_old(engine, 0) == [key]


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
    c.change(engine, "UPDATE runs SET created_at = created_at + 600")  # however slow the test is
    assert recover.stuck_levels(engine, "fleet") == []
    c.change(engine, "UPDATE runs SET created_at = created_at - 611")
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
    assert [item.ended.run_ended for item in recover.lost(engine, "fleet")] == [True]
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
