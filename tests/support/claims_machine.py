"""A fleet as hypothesis drives it: workers that claim, die, pause, come back; messages that vanish.

The code of the catalog is the real one, on a real database; this model knows only what it was told
by it, and what must hold. Some pairs of calls run in two threads at once. The clock is moved by
rewriting times in the database. Used by tests/integration/test_claims_machine.py.
"""

import functools
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from catalog import claims, levels, recover, runs
from catalog.claims import Claim, StepError
from tests.support import catalogs as c
from tests.support.claims_ledger import PICK, WORKERS, Ledger
from tests.support.threads import together

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


class Claims(Ledger):
    """A run and what may happen to it."""

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
        going = {(claim.asset, claim.step) for claim in self.valid()}
        old_ones = [claim for claim in self.held if self.is_old(claim)]
        old_ones.sort(key=lambda claim: (claim.asset, claim.step) in going)
        for old in old_ones[-2:]:
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
