"""Who may run a step where: workers that drain, runs of another contract, suspects alone."""

from sqlalchemy import Engine

from catalog import claims, recover, workers
from catalog.claims import Claim, Deferred, Refused
from catalog.workers import WorkerInfo
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record


def crew(engine: Engine, *names: str) -> None:
    """Living workers."""
    for name in names:
        workers.register(engine, WorkerInfo(name=name, fleet="fleet", host=name, pid=1))


def begun(engine: Engine, *names: str, contract: int = 0) -> str:
    """A run whose first level has begun."""
    run_id = record(engine, plan([asset(name) for name in names]), contract=contract)
    c.begin(engine, run_id)
    return run_id


def suspect(engine: Engine, run_id: str, name: str) -> None:
    """Let the asset have gone with its worker twice."""
    c.change(engine, "UPDATE steps SET losses = 2 WHERE asset = :name", name=name)


def later(engine: Engine) -> None:
    """Let what was put back be due, and no place be kept any more."""
    c.change(engine, "UPDATE steps SET not_before = 1.0")
    c.change(engine, "UPDATE workers SET alone_until = 1.0")


def test_a_worker_that_drains_takes_nothing_new_and_another_is_asked(engine: Engine) -> None:
    crew(engine, "w1", "w2")
    run_id = begun(engine, "a")
    c.change(engine, "UPDATE workers SET drain_at = 1.0 WHERE name = 'w1'")
    refused = c.try_to_take(engine, run_id, "a", worker="w1")
    assert refused == Refused(reason="worker w1 drains: it takes nothing new")
    c.change(engine, "UPDATE steps SET not_before = not_before - 3")
    assert recover.stale(engine, "fleet") == [(run_id, "a", "script")]
    assert isinstance(c.try_to_take(engine, run_id, "a", worker="w2"), Claim)


def test_a_run_of_another_contract_is_left_to_those_who_speak_it(engine: Engine) -> None:
    run_id = begun(engine, "a", contract=3)
    key = (run_id, "a", "script")
    refused = claims.claim(engine, *key, worker="w1", pid=1, contract=2)
    assert isinstance(refused, Refused) and "contract 3, this worker speaks 2" in refused.reason
    assert c.steps(engine, run_id)["a", "script"] == "queued"
    later(engine)
    assert isinstance(claims.claim(engine, *key, worker="w2", pid=1, contract=3), Claim)


def test_a_suspect_waits_until_its_worker_runs_nothing_else(engine: Engine) -> None:
    crew(engine, "w1")
    run_id = begun(engine, "a", "b")
    suspect(engine, run_id, "a")
    other = c.take(engine, run_id, "b")
    waits = c.try_to_take(engine, run_id, "a")
    assert isinstance(waits, Deferred) and "runs nothing else" in waits.reason
    claims.succeed(engine, other, {})
    later(engine)
    assert c.take(engine, run_id, "a").losses == 2


def test_a_worker_that_a_suspect_waits_for_takes_nothing_else_for_a_while(engine: Engine) -> None:
    """Else a busy worker would never be empty."""
    crew(engine, "w1")
    run_id = begun(engine, "a", "b", "d")
    suspect(engine, run_id, "a")
    c.take(engine, run_id, "b")
    c.try_to_take(engine, run_id, "a")
    c.change(engine, "UPDATE workers SET alone_until = alone_until + 600")
    kept = c.try_to_take(engine, run_id, "d")
    assert isinstance(kept, Deferred) and "kept for a alone" in kept.reason
    later(engine)
    assert isinstance(c.try_to_take(engine, run_id, "d"), Claim)


def test_nothing_runs_beside_a_suspect_but_other_workers_go_on(engine: Engine) -> None:
    crew(engine, "w1", "w2")
    run_id = begun(engine, "a", "b", "d")
    suspect(engine, run_id, "a")
    alone = c.take(engine, run_id, "a")
    assert isinstance(c.try_to_take(engine, run_id, "b", worker="w1"), Deferred)
    assert isinstance(c.try_to_take(engine, run_id, "d", worker="w2"), Claim)
    claims.succeed(engine, alone, {})
    later(engine)
    assert isinstance(c.try_to_take(engine, run_id, "b", worker="w1"), Claim)
