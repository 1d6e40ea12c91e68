"""What the catalog told a fleet that hypothesis drives, and what must hold of it.

tests.support.claims_machine adds what happens.
"""

import itertools
from collections import Counter
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant
from sqlalchemy import Engine, text

from catalog import claims, levels, recover, runs, workers
from catalog.claims import Claim, Ended, StepKey, Want
from catalog.workers import WorkerInfo
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record

NAMES = itertools.count()
WORKERS = ("w1", "w2", "w3")
PICK = st.integers(min_value=0, max_value=1_000_000)
OVER = {"succeeded", "failed", "upstream_failed", "skipped", "cancelled"}
LONG = 4000.0  # seconds: longer than any patience


class Ledger(RuleBasedStateMachine):
    """One run of two levels and what may happen to it; `engines` are two, with own connections."""

    def __init__(self, engines: tuple[Engine, Engine]) -> None:
        super().__init__()
        self.engine, self.other = engines
        self.fleet = f"fleet{next(NAMES)}"
        self.messages: list[StepKey] = []
        self.held: list[Claim] = []  # all claims that were ever given, also the stale ones
        self.newest: dict[StepKey, int] = {}
        self.ended: set[int] = set()  # tokens whose end counted
        self.done: set[StepKey] = set()
        self.failures: Counter[StepKey] = Counter()
        self.losses: Counter[StepKey] = Counter()
        self.opened: list[int] = []
        self.finished = 0
        self.stopped = False

    @initialize(
        retries=st.integers(0, 2),
        cap=st.integers(0, 2),
        allowed=st.integers(1, 3),
        suspect=st.sampled_from(["", "a", "b"]),
    )
    def submit(self, retries: int, cap: int, allowed: int, suspect: str) -> None:
        """A run of four assets: three steps, one, two; each level needs the one before it.

        One of the first has perhaps gone with its worker twice already.
        """
        self.retries, self.cap, self.allowed = retries, cap, allowed
        self.level = {"a": 0, "b": 0, "d": 1, "e": 1}
        first = (
            asset("a", steps=("materialize", "load", "checks"), retries=retries),
            asset("b", steps=("script",), retries=retries),
        )
        second = (
            asset("d", "a", steps=("materialize", "load"), retries=retries),
            asset("e", "b", steps=("script",), retries=retries),
        )
        self.order = {spec.name: spec.steps for spec in (*first, *second)}
        self.run_id = record(self.engine, plan(first, second), self.fleet)
        for name in WORKERS:
            info = WorkerInfo(
                name=self.named(name),
                fleet=self.fleet,
                host=name,
                pid=1,
                slots=9,
                queues=("fleet",),
            )
            workers.register(self.engine, info)
        if suspect:
            self.losses[self.run_id, suspect, self.order[suspect][0]] = 2
            c.change(
                self.engine,
                "UPDATE steps SET losses = 2, number = 2"
                " WHERE run_id = :run AND asset = :asset AND position = 0",
                run=self.run_id,
                asset=suspect,
            )
        self.has_advanced(levels.advance(self.engine, self.run_id))

    @property
    def cap_lock(self) -> str:
        """The lock whose places are many."""
        return f"run:{self.fleet}"

    def named(self, worker: str) -> str:
        """A worker's name: the examples share one database."""
        return f"{self.fleet}-{worker}"

    @invariant()
    def nobody_has_what_another_has(self) -> None:
        """Each step one valid claim, the newest; locks within bounds; suspects alone."""
        if not self.held:
            return
        leases = self.leases()
        valid = [claim for claim in self.held if claim.token in leases]
        steps = Counter((claim.asset, claim.step) for claim in valid)
        assert max(steps.values(), default=0) <= 1, valid
        for claim in valid:
            assert claim.token == self.newest[claim.run_id, claim.asset, claim.step]
        fresh = [claim for claim in valid if leases[claim.token] > LONG]
        locks = Counter(name for claim in fresh for name in claim.locks)
        assert locks[f"db:{self.fleet}"] <= 1, locks
        assert not self.cap or locks[self.cap_lock] <= self.cap, locks
        places = Counter(claim.worker for claim in valid)
        for claim in valid:
            assert claim.losses < 2 or places[claim.worker] == 1, claim

    def teardown(self) -> None:
        """Whatever happened: once somebody works and looks, the run ends, and its counts agree."""
        if not hasattr(self, "run_id"):
            return
        c.change(self.engine, "UPDATE workers SET drain_at = NULL WHERE fleet = :f", f=self.fleet)
        for _ in range(60):
            if runs.get(self.engine, self.run_id).ended_at is not None:
                break
            self.work()
        view = runs.get(self.engine, self.run_id)
        assert view.ended_at is not None, self.told()
        states = Counter(c.states(self.engine, self.run_id).values())
        assert dict(view.counts) == dict(states) and states.keys() <= OVER
        assert sum(states.values()) == len(self.level)
        assert self.stopped or (view.state == "succeeded") == (set(states) == {"succeeded"})
        assert self.finished <= 1
        assert not self.valid()

    def told(self) -> list[dict[str, Any]]:
        """All that the catalog holds of the run's steps, for the words of a failure."""
        query = "SELECT * FROM steps WHERE run_id = :run ORDER BY id"
        with self.engine.connect() as connection:
            rows = connection.execute(text(query), {"run": self.run_id}).mappings()
            return [{k: v for k, v in row.items() if v not in ("", None)} for row in rows]

    def work(self) -> None:
        """Everybody works for a moment: leases of those who do not are over."""
        for claim in self.valid():
            self.has_succeeded(claim, claims.succeed(self.engine, claim, {}))
        self.age()
        self.has_reconciled(self.look(self.engine))
        for key in dict.fromkeys(self.messages):
            self.took(key, self.claim(self.engine, key, WORKERS[len(self.held) % 3]))
        self.messages.clear()

    def took(self, key: StepKey, got: object) -> None:
        """Somebody asked for a step."""
        if not isinstance(got, Claim):
            return
        assert got.token > self.newest.get(key, 0)
        rivals = [
            claim.token
            for claim in self.held
            if set(claim.locks) & set(got.locks) - {self.cap_lock}
        ]
        assert got.token > max(rivals, default=0)
        steps = self.order[got.asset]
        assert got.position == 0 or (*key[:2], steps[got.position - 1]) in self.done
        assert key not in self.done and not self.finished
        states = c.states(self.engine, self.run_id)
        before = {name for name in states if self.level[name] < self.level[got.asset]}
        assert {states[name] for name in before} <= OVER
        assert not before or states[{"d": "a", "e": "b"}[got.asset]] == "succeeded"
        self.newest[key] = got.token
        self.held.append(got)

    def has_succeeded(self, claim: Claim, ended: Ended) -> None:
        """A claim said that its step is done."""
        if self.counted(claim, ended):
            self.done.add((claim.run_id, claim.asset, claim.step))
            if ended.next_step:
                self.messages.append((claim.run_id, claim.asset, ended.next_step))

    def has_failed(self, claim: Claim, ended: Ended) -> None:
        """A claim said that its step failed: only failures use up retries."""
        if not self.counted(claim, ended):
            return
        key = (claim.run_id, claim.asset, claim.step)
        self.failures[key] += 1
        again = self.failures[key] <= self.retries and not self.stopped
        assert bool(ended.deferred) == again, (ended, self.failures[key])
        if again:
            self.messages.append(key)

    def has_been_lost(self, claim: Claim, ended: Ended) -> None:
        """A claim was buried: the step runs again within the bound."""
        if not self.counted(claim, ended):
            return
        key = (claim.run_id, claim.asset, claim.step)
        self.losses[key] += 1
        again = self.losses[key] <= self.allowed and not self.stopped
        assert bool(ended.deferred) == again, (ended, self.losses[key])

    def has_reconciled(self, look: tuple[list[tuple[Claim, Ended]], list[StepKey]]) -> None:
        """A host looked: it sends what it found, and moves runs on."""
        lost, stale = look
        for claim, ended in lost:
            self.has_been_lost(claim, ended)
        self.messages += stale
        for run_id in recover.stuck_levels(self.engine, self.fleet):
            self.has_advanced(levels.advance(self.engine, run_id))
        recover.finish_cancelled(self.engine, self.fleet)

    def has_advanced(self, outcome: object) -> None:
        """Each level begins once, the run ends once."""
        if isinstance(outcome, levels.Published):
            assert outcome.level not in self.opened
            self.opened.append(outcome.level)
            levels.confirm_sent(self.engine, self.run_id, [name for name, _ in outcome.chains])
            self.messages += [(self.run_id, name, steps[0]) for name, steps in outcome.chains]
        if isinstance(outcome, levels.Finished):
            self.finished += 1
            assert self.finished == 1

    def counted(self, claim: Claim, ended: Ended) -> bool:
        """Whether an end counted: it may only for the newest claim of a step, and only once."""
        if ended.refused:
            return False
        self.stands(claim)
        self.ended.add(claim.token)
        self.messages += ended.wake
        return True

    def stands(self, claim: Claim) -> None:
        """Nobody may be told so whose claim has ended or was replaced."""
        assert claim.token not in self.ended, f"{claim} counted twice"
        assert not self.is_old(claim), f"{claim} is stale"

    def any(self, which: int) -> Claim:
        """One of the claims that were given, the newest ones more often."""
        recent = self.held[-4:] if which % 3 else self.held
        return recent[which // 3 % len(recent)]

    def is_old(self, claim: Claim) -> bool:
        """Whether a newer claim of the same step was given."""
        return self.newest[claim.run_id, claim.asset, claim.step] != claim.token

    def lost_its_lock(self, claim: Claim) -> bool:
        """Whether another step took its lock, as its lease was over."""
        query = "SELECT token FROM steps WHERE id = :id"
        with self.engine.connect() as connection:
            return connection.scalar(text(query), {"id": claim.step_id}) == -claim.token

    def valid(self) -> list[Claim]:
        """The claims that a renewal would let go on."""
        leases = self.leases()
        return [claim for claim in self.held if claim.token in leases]

    def leases(self) -> dict[int, float]:
        """Until when the claims of steps that run are leased, by token."""
        query = "SELECT token, lease_until FROM steps WHERE run_id = :run AND state = 'running'"
        with self.engine.connect() as connection:
            rows = connection.execute(text(query), {"run": self.run_id})
            return {row.token: row.lease_until for row in rows}

    def claim(self, engine: Engine, key: StepKey, worker: str) -> Any:
        """Ask for a step, with the locks that it needs."""
        wants = [Want(name=self.cap_lock, capacity=self.cap)] if self.cap else []
        if key[2] == "load":
            wants.append(Want(name=f"db:{self.fleet}"))
        wants.sort(key=lambda want: want.name)
        return claims.claim(
            engine, *key, worker=self.named(worker), pid=1, locks=wants, lease=100_000.0
        )

    def bury(self, engine: Engine) -> list[tuple[Claim, Ended]]:
        """Those that were lost, with the claims that they held."""
        found = recover.lost(engine, self.fleet, losses_allowed=self.allowed)
        tokens = {(self.run_id, one.asset, one.step): one.ended for one in found}
        newest = {self.newest[key]: ended for key, ended in tokens.items()}
        return [(claim, newest[claim.token]) for claim in self.held if claim.token in newest]

    def look(self, engine: Engine) -> tuple[list[tuple[Claim, Ended]], list[StepKey]]:
        """What one host finds."""
        return self.bury(engine), recover.stale(engine, self.fleet)

    def age(self) -> None:
        """Let all waiting be over, but no lease."""
        c.change(
            self.engine,
            "UPDATE steps SET not_before = CASE WHEN not_before > 0 THEN 2.0 ELSE 0.0 END,"
            " queued_at = queued_at - :s, sent_at = sent_at - :s WHERE run_id = :run",
            s=LONG,
            run=self.run_id,
        )
        c.change(
            self.engine,
            "UPDATE workers SET alone_until = 1.0, beat_at = 9e9 WHERE fleet = :f",
            f=self.fleet,
        )
