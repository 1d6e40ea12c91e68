"""The catalog under concurrent processes, on SQLite and PostgreSQL alike: nothing happens twice."""

import functools
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from catalog import claims, levels, recover, runs
from catalog.claims import Claim, Deferred, StepError, Want
from catalog.engine import connect, upgrade
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record
from tests.support.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

LOCK = Want(name="duckdb:/data/shop.db", what="duckdb:shop")
PROCESSES = 4


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a catalog at its newest revision."""
    made = f"sqlite:///{tmp_path}/catalog.db"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        made = server.url(server.create_database())
    upgrade(connect(made))
    return made


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """The catalog as this process sees it."""
    made = connect(url)
    yield made
    made.dispose()


class Crowd:
    """Several processes that do the same at once. Starting them costs most, so tests share them."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self.pool = pool

    def __call__(self, work: Callable[..., Any], *arguments: object) -> list[Any]:
        """What each of them gives."""
        at = time.time() + 0.1  # they wait for each other, so that the race is one
        waiting = [
            self.pool.submit(_at, at, work, *arguments, number) for number in range(PROCESSES)
        ]
        return [future.result(280) for future in waiting]


@functools.cache
def _reached(url: str) -> Engine:
    """The catalog as one of the processes sees it; the server's connections are counted."""
    return connect(url)


def _at(moment: float, work: Callable[..., Any], *arguments: object) -> Any:
    time.sleep(max(moment - time.time(), 0.0))
    return work(*arguments)


@pytest.fixture(scope="module")
def together() -> Iterator[Crowd]:
    """The processes, all up."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        list(pool.map(time.sleep, [0.5] * PROCESSES))
        yield Crowd(pool)


def claim_all(url: str, run_id: str, names: list[str], number: int) -> list[str]:
    """Claim whatever can be claimed; the names of what this process got."""
    engine = _reached(url)
    got = [
        (name, claims.claim(engine, run_id, name, "script", worker=f"w{number}", pid=number))
        for name in names
    ]
    return [name for name, claim in got if isinstance(claim, Claim)]


def test_every_step_has_exactly_one_claimer(url: str, engine: Engine, together: Crowd) -> None:
    names = [f"a{number}" for number in range(60)]
    run_id = record(engine, plan([asset(name) for name in names]))
    c.begin(engine, run_id)
    got = Counter(name for part in together(claim_all, url, run_id, names) for name in part)
    assert got == Counter(names)


def advance_often(url: str, run_id: str, number: int) -> list[object]:
    """Call advance again and again; all that was to be published or was finished."""
    engine = _reached(url)
    answers = [levels.advance(engine, run_id) for _ in range(10)]
    return [answer for answer in answers if not isinstance(answer, levels.Nothing)]


def test_each_level_is_published_once(url: str, engine: Engine, together: Crowd) -> None:
    run_id = record(engine, plan([asset("a")], [asset("b", "a")]))
    for name in ("a", "b"):
        published = [x for part in together(advance_often, url, run_id) for x in part]
        assert [type(answer) for answer in published] == [levels.Published]
        c.succeed(engine, run_id, name)
    finished = [x for part in together(advance_often, url, run_id) for x in part]
    assert [type(answer) for answer in finished] == [levels.Finished]


def work_with_lock(
    url: str, run_id: str, names: list[str], lock: Want, number: int
) -> list[tuple[str, float, float, list[str]]]:
    """Run assets under a lock: when each held it, and whom its release woke."""
    engine, held = _reached(url), []
    todo = list(names)
    random.Random(number).shuffle(todo)
    end = time.monotonic() + 240
    while todo and time.monotonic() < end:
        name = todo.pop(0)
        claim = claims.claim(
            engine, run_id, name, "script", worker=f"w{number}", pid=number, locks=[lock]
        )
        if isinstance(claim, Deferred):
            todo.append(name)
        if isinstance(claim, Claim):
            begun = time.monotonic()
            time.sleep(0.002)
            last = time.monotonic()
            ended = claims.succeed(engine, claim, {})
            held.append((name, begun, last, [key[1] for key in ended.wake]))
    return held


@pytest.mark.parametrize("capacity", [1, 2])
def test_a_lock_is_never_held_by_more_than_it_may(
    url: str, engine: Engine, together: Crowd, capacity: int
) -> None:
    names = [f"a{number}" for number in range(24)]
    run_id = record(engine, plan([asset(name) for name in names]))
    c.begin(engine, run_id)
    lock = Want(name=LOCK.name, capacity=capacity)
    spans = [x for part in together(work_with_lock, url, run_id, names, lock) for x in part]
    assert Counter(name for name, *_ in spans) == Counter(names)
    edges = sorted([(b, 1) for _, b, _, _ in spans] + [(e, -1) for _, _, e, _ in spans])
    holders = most = 0
    for _, change in edges:
        holders += change
        most = max(most, holders)
    assert most <= capacity


def release_one(url: str, claim_list: list[Claim], number: int) -> list[str]:
    """End one claim; whom that woke."""
    ended = claims.succeed(_reached(url), claim_list[number], {})
    return [key[1] for key in ended.wake]


def test_releases_at_the_same_time_wake_different_steps(
    url: str, engine: Engine, together: Crowd
) -> None:
    names = [f"a{number}" for number in range(2 * PROCESSES)]
    run_id = record(engine, plan([asset(name) for name in names]))
    c.begin(engine, run_id)
    lock = Want(name=LOCK.name, capacity=PROCESSES)
    holders = [c.take(engine, run_id, name, locks=[lock]) for name in names[:PROCESSES]]
    for name in names[PROCESSES:]:
        assert isinstance(c.try_to_take(engine, run_id, name, locks=[lock]), Deferred)
    woken = [name for part in together(release_one, url, holders) for name in part]
    assert Counter(woken) == Counter(names[PROCESSES:])


def end_or_cancel(url: str, run_id: str, claim_list: list[Claim], number: int) -> None:
    """One process cancels the run while the others end its last steps."""
    engine = _reached(url)
    if number == 0:
        runs.cancel(engine, run_id, "stopped")
    elif number % 2:
        claims.succeed(engine, claim_list[number - 1], {})
    else:
        claims.fail(engine, claim_list[number - 1], StepError(kind="script", message="no"))


def test_a_cancel_that_races_with_the_last_steps_always_ends_the_run(
    url: str, engine: Engine, together: Crowd
) -> None:
    names = [f"a{number}" for number in range(PROCESSES)]
    for _ in range(5):
        made = plan([asset(name, steps=("materialize", "load")) for name in names])
        run_id = record(engine, made)
        c.begin(engine, run_id)
        held = [c.take(engine, run_id, name, "materialize") for name in names[:-1]]
        together(end_or_cancel, url, run_id, held)
        assert runs.get(engine, run_id).state == "cancelled"
        assert set(c.steps(engine, run_id).values()) <= {
            "succeeded",
            "failed",
            "cancelled",
            "skipped",
        }


def reconcile(url: str, number: int) -> tuple[list[object], list[str]]:
    """What one reconciler found: steps to send, steps that were lost, which it sends too."""
    engine = _reached(url)
    lost = [lost.asset for lost in recover.lost(engine, "fleet")]
    return [key for _ in range(5) for key in recover.stale(engine, "fleet")], lost


def test_reconcilers_do_nothing_twice(url: str, engine: Engine, together: Crowd) -> None:
    names = [f"a{number}" for number in range(20)]
    run_id = record(engine, plan([asset(name) for name in names]))
    levels.confirm_sent(engine, run_id, c.begin(engine, run_id))
    for name in names[:10]:
        c.expire(engine, c.take(engine, run_id, name))
    c.change(engine, "UPDATE steps SET sent_at = sent_at - 31")
    found = together(reconcile, url)
    sent = Counter(key for keys, _ in found for key in keys)
    lost = Counter(name for _, part in found for name in part)
    assert sent == Counter((run_id, name, "script") for name in names)
    assert lost == Counter(names[:10])


def work(url: str, run_id: str, number: int) -> int:
    """A small worker without a broker: it claims what it finds, and advances; how much it did."""
    engine, done = _reached(url), 0
    end = time.monotonic() + 240
    while runs.get(engine, run_id).ended_at is None and time.monotonic() < end:
        views = [v for v in runs.step_views(engine, run_id) if v.state == "queued"]
        random.Random(number + done).shuffle(views)
        for view in views:
            locks = [LOCK] if view.step == "load" else []
            claim = claims.claim(
                engine, run_id, view.asset, view.step, worker="w", pid=number, locks=locks
            )
            if isinstance(claim, Claim):
                claims.renew(engine, claim, progress={"rows": 1})
                if claim.asset.endswith("3") and claim.number == 1:
                    claims.fail(engine, claim, StepError(kind="load", message="flaky"))
                else:
                    claims.succeed(engine, claim, {"rows": 1})
                done += 1
        levels.advance(engine, run_id)
    return done


def test_four_workers_finish_a_run_without_a_deadlock_or_a_double(
    url: str, engine: Engine, together: Crowd
) -> None:
    made = plan(
        *(
            [
                asset(f"l{x}.a{n}", steps=("materialize", "load", "checks"), retries=1)
                for n in range(8)
            ]
            for x in range(3)
        )
    )
    run_id = record(engine, made)
    together(work, url, run_id)
    view = runs.get(engine, run_id)
    assert (view.state, view.counts) == ("succeeded", {"succeeded": 24})
    tries = runs.attempts(engine, run_id)
    good = Counter((a.asset, a.step) for a in tries if a.state == "succeeded")
    assert set(good.values()) == {1} and len(good) == 72
    loads = sorted((a for a in tries if a.step == "load"), key=lambda a: a.started_at)
    assert all(earlier.ended_at <= later.started_at for earlier, later in pairwise(loads))
