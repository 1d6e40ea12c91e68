"""A fleet as hypothesis drives it: workers that claim, die, pause, come back; messages that vanish.

The code of the catalog is the real one, on a real database; this model knows only what it was told
by it, and what must hold. Some pairs of calls run in two threads at once. The clock is moved by
rewriting times in the database. Used by tests/integration/test_claims_machine.py.
"""

import functools
import itertools
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Engine, text

from catalog import claims, levels, recover, runs, workers
from catalog.claims import Claim, Ended, StepError, StepKey, Want
from catalog.workers import WorkerInfo
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record

NAMES = itertools.count()
WORKERS = ("w1", "w2", "w3")
PICK = st.integers(min_value=0, max_value=1_000_000)
OVER = {"succeeded", "failed", "upstream_failed", "skipped", "cancelled"}
LONG = 4000.0  # seconds: longer than any patience


def together(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
    """What two calls give that begin at the same moment in two threads; raises what they raise."""
    barrier, got = threading.Barrier(2), [None, None]
    errors: list[BaseException] = []

    def go(place: int, call: Callable[[], Any]) -> None:
        try:
            barrier.wait(10)
            got[place] = call()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=go, args=pair) for pair in enumerate((first, second))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]
    return got[0], got[1]


Step = Callable[..., None]


def with_claims(step: Step) -> Step:
    """Does nothing where no claim was given yet.

    No precondition of hypothesis: who wins a race would decide which rules there are, and it wants
    the same ones whenever it tries the same again.
    """

    @functools.wraps(step)
    def guarded(self: "Claims", *arguments: Any, **named: Any) -> None:
        if self.held:
            step(self, *arguments, **named)

    return guarded


def with_messages(step: Step) -> Step:
    """Lets a host look first where no message is under way."""

    @functools.wraps(step)
    def guarded(self: "Claims", *arguments: Any, **named: Any) -> None:
        if not self.messages:
            self.age()
            self.reconcile()
        if self.messages:
            step(self, *arguments, **named)

    return guarded


class Claims(RuleBasedStateMachine):
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
        self.advance()

    @property
    def cap_lock(self) -> str:
        """The lock whose places are many."""
        return f"run:{self.fleet}"

    def named(self, worker: str) -> str:
        """A worker's name: the examples share one database."""
        return f"{self.fleet}-{worker}"

    # --- what happens -------------------------------------------------------------------------

    @rule(which=PICK, worker=st.sampled_from(WORKERS), twice=st.booleans())
    @with_messages
    def deliver(self, which: int, worker: str, twice: bool) -> None:
        """A worker gets a message; sometimes the broker delivers it once more later."""
        key = self.messages.pop(which % len(self.messages))
        if twice:
            self.messages.append(key)
        self.took(key, self.claim(self.engine, key, worker))

    @rule(which=PICK, pair=st.sampled_from([("w1", "w2"), ("w1", "w1"), ("w2", "w3")]))
    @with_messages
    def deliver_to_two_at_once(self, which: int, pair: tuple[str, str]) -> None:
        """One message, two workers or two processes of one: at most one gets the step."""
        key = self.messages.pop(which % len(self.messages))
        got = together(
            lambda: self.claim(self.engine, key, pair[0]),
            lambda: self.claim(self.other, key, pair[1]),
        )
        assert sum(isinstance(one, Claim) for one in got) <= 1, got
        for one in got:
            self.took(key, one)

    @rule(which=PICK, worker=st.sampled_from(WORKERS))
    @with_messages
    def deliver_two_at_once(self, which: int, worker: str) -> None:
        """Two steps, one worker: locks and the place of a suspect are asked for at once."""
        first, second = sorted(set(self.messages))[0], sorted(set(self.messages))[-1]
        if first == second:
            return
        got = together(
            lambda: self.claim(self.engine, first, worker),
            lambda: self.claim(self.other, second, worker),
        )
        for key, one in zip((first, second), got, strict=True):
            self.messages.remove(key)
            self.took(key, one)

    @rule(which=PICK)
    @with_messages
    def lose_message(self, which: int) -> None:
        """The broker forgets one."""
        self.messages.pop(which % len(self.messages))

    @rule(which=PICK)
    @with_claims
    def succeed(self, which: int) -> None:
        """Whoever was given a claim says that its work is done."""
        claim = self.any(which)
        self.has_succeeded(claim, claims.succeed(self.engine, claim, {"rows": 1}))

    @rule(which=PICK)
    @with_claims
    def fail(self, which: int) -> None:
        """Whoever was given a claim says that it did not work."""
        claim = self.any(which)
        self.has_failed(
            claim, claims.fail(self.engine, claim, StepError(kind="script", message="x"))
        )

    @rule(which=PICK)
    @with_claims
    def defer(self, which: int) -> None:
        """A step finds that it must wait."""
        claim = self.any(which)
        ended = claims.defer(self.engine, claim, "not yet", 0.0)
        if self.counted(claim, ended):
            self.messages.append((claim.run_id, claim.asset, claim.step))

    @rule(which=PICK)
    @with_claims
    def give_back(self, which: int) -> None:
        """A worker that is told to stop at once hands its step on: no failure, no loss."""
        claim = self.any(which)
        if self.counted(claim, claims.give_back(self.engine, claim, "stops")):
            self.messages.append((claim.run_id, claim.asset, claim.step))

    @rule(which=PICK)
    @with_claims
    def renew(self, which: int) -> None:
        """A claim stands while it is the newest, its step runs, and nobody took its lock."""
        claim = self.any(which)
        if claims.renew(self.engine, claim).fenced:
            assert claim.token in self.ended or self.is_old(claim) or self.lost_its_lock(claim)
        else:
            self.stands(claim)

    @rule(which=PICK)
    @with_claims
    def go_silent(self, which: int) -> None:
        """A worker does not renew for longer than its lease."""
        c.expire(self.engine, self.any(which))

    @rule(which=PICK, worker=st.sampled_from(WORKERS))
    @with_claims
    def come_back_too_late(self, which: int, worker: str) -> None:
        """A worker is silent, another takes its step, and then the first goes on."""
        for claim in self.valid()[: 1 + which % 2]:
            c.expire(self.engine, claim)
            self.age()
            self.reconcile()
            key = (claim.run_id, claim.asset, claim.step)
            if key in self.messages:
                self.messages.remove(key)
                self.took(key, self.claim(self.engine, key, worker))
        error = StepError(kind="script", message="x")
        for old in [claim for claim in self.held if self.is_old(claim)][-2:]:
            assert claims.renew(self.engine, old).fenced
            assert claims.succeed(self.engine, old, {}).refused
            assert claims.fail(self.engine, old, error).refused
            assert claims.defer(self.engine, old, "", 0.0).refused
            assert recover.died(self.engine, old, "").refused

    @rule(which=PICK, worker=st.sampled_from(WORKERS))
    def deliver_too_early(self, which: int, worker: str) -> None:
        """A chain goes on behind a refused duplicate: its links come before their turn."""
        steps = [(name, step) for name, steps in self.order.items() for step in steps]
        key = (self.run_id, *steps[which % len(steps)])
        self.took(key, self.claim(self.engine, key, worker))

    @rule(which=PICK)
    @with_claims
    def process_dies(self, which: int) -> None:
        """The worker's heart sees that the process which held the claim is gone."""
        claim = self.any(which)
        ended = recover.died(self.engine, claim, "killed", losses_allowed=self.allowed)
        self.has_been_lost(claim, ended)

    @rule()
    def reconcile(self) -> None:
        """One look of one host."""
        self.has_reconciled(self.look(self.engine))

    @rule()
    def two_reconcile_at_once(self) -> None:
        """Two hosts look at once: nothing is named twice."""
        looks = together(lambda: self.look(self.engine), lambda: self.look(self.other))
        sent = [key for _, stale in looks for key in stale]
        lost = [claim.token for found, _ in looks for claim, _ in found]
        assert len(lost) == len(set(lost)), lost
        assert max(Counter(sent).values(), default=0) <= 2, sent  # lost, sent, lost again
        for look in looks:
            self.has_reconciled(look)

    @rule()
    def advance(self) -> None:
        """A chord comes back, or a duplicate of it."""
        self.has_advanced(levels.advance(self.engine, self.run_id))

    @rule()
    def two_advance_at_once(self) -> None:
        """A chord's body and a detached step."""
        for outcome in together(
            lambda: levels.advance(self.engine, self.run_id),
            lambda: levels.advance(self.other, self.run_id),
        ):
            self.has_advanced(outcome)

    @rule(which=PICK)
    @with_claims
    def lost_while_it_renews(self, which: int) -> None:
        """A paused worker wakes at the moment in which it is buried: one of the two counts."""
        claim = self.any(which)
        c.expire(self.engine, claim)
        lost, standing = together(
            lambda: self.bury(self.engine), lambda: claims.renew(self.other, claim)
        )
        buried = [one for one, _ in lost if one.token == claim.token]
        if buried:
            assert standing.fenced or standing.cancelled
        for one, ended in lost:
            self.has_been_lost(one, ended)

    @rule(which=PICK, well=st.booleans())
    @with_claims
    def lost_while_it_ends(self, which: int, well: bool) -> None:
        """The end of a step comes at the moment in which it is buried: one of the two counts."""
        claim = self.any(which)
        c.expire(self.engine, claim)
        error = StepError(kind="script", message="x")
        lost, ended = together(
            lambda: self.bury(self.engine),
            lambda: (
                claims.succeed(self.other, claim, {})
                if well
                else claims.fail(self.other, claim, error)
            ),
        )
        assert not (ended.refused == "" and any(one.token == claim.token for one, _ in lost))
        (self.has_succeeded if well else self.has_failed)(claim, ended)
        for one, how in lost:
            self.has_been_lost(one, how)

    @rule(which=PICK, dice=st.integers(0, 5))
    @with_claims
    def cancel(self, which: int, dice: int) -> None:
        """Somebody stops the run, at the moment in which a step ends; seldom."""
        if dice or self.stopped:
            return
        claim = self.any(which)
        self.stopped = True
        _, ended = together(
            lambda: runs.cancel(self.other, self.run_id, "enough"),
            lambda: claims.succeed(self.engine, claim, {}),
        )
        self.has_succeeded(claim, ended)

    @rule(worker=st.sampled_from(WORKERS), drains=st.booleans())
    def drain(self, worker: str, drains: bool) -> None:
        """A worker is asked to take nothing new, or may again."""
        at = "1.0" if drains else "NULL"
        name = self.named(worker)
        c.change(self.engine, f"UPDATE workers SET drain_at = {at} WHERE name = :n", n=name)

    @rule()
    def time_passes(self) -> None:
        """What waits for a time has waited long enough; leases go on."""
        self.age()

    # --- what must hold -----------------------------------------------------------------------

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
        self.reconcile()
        for key in dict.fromkeys(self.messages):
            self.took(key, self.claim(self.engine, key, WORKERS[len(self.held) % 3]))
        self.messages.clear()

    # --- what was told ------------------------------------------------------------------------

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

    # --- small words --------------------------------------------------------------------------

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
