"""One claimed try of a step: the work, the record of its end, and what the end makes possible.

Made by workers.steps. This is an edge of the program: whatever the work raises ends this step only.
"""

import logging
import traceback
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from kombu.exceptions import OperationalError as BrokerError
from redis import RedisError

from assets_parser.spec import AssetSpec
from catalog import claims, losses
from catalog.claims import CheckRow, Claim, Ended, StepError
from workers import crash_points, levels, livelog, places, storage, stores, waiting, working_copies
from workers.context import StepContext, StepResult
from workers.errors import Kind, Locked, NotYet, StepFailed
from workers.host import Facts, Host, StepFunction, foresee
from workers.keeper import CANCELLED, CUT_OFF, FENCED, STOPPING, Keeper
from workers.masking import Masker
from workers.outages import patiently
from workers.pulse import clock
from workers.stores import StorageError

logger = logging.getLogger(__name__)

_UNHEARD: frozenset[Kind] = frozenset({"env", "load", "timeout", "config", "connection", "lost"})
_KINDS: dict[str, Kind] = {  # of an error that a step's work did not foresee
    "script": "script",
    "materialize": "materialize",
    "query": "query",
    "sensor": "sensor",
    "checks": "checks",
}
_ONCE_ONLY = "it is not tried again, as that could add rows twice: look at the table first"
_HINT_STORAGE = "make room there, or look whether this worker can reach it; fleet doctor tries it"
_FLOWER_SHOWS = ("rows", "passed", "failed", "exit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try, from its claim to its end. `since` is when, by the pulse's clock, it was claimed."""

    host: Host
    claim: Claim
    spec: AssetSpec
    run: Facts
    since: float = field(default_factory=clock)

    def carry_out(self, unusable: StepFailed | NotYet | None, *, detached: bool) -> dict[str, Any]:
        """Do the work, or end as `unusable`; words for Flower. Raises StepFailed when recorded.

        A fenced attempt records nothing: the step is somebody else's by now.
        """
        masker = Masker()
        with self._keeper() as keeper:
            outcome = self._logged(keeper, masker, unusable)
        if keeper.stop.reason == FENCED:
            return {"refused": keeper.stop.words}
        crash_points.reach("end:before")
        ended = patiently(
            lambda: self._record(outcome, keeper, masker),
            "to record the end of a step",
            self.host.leaving,
        )
        crash_points.reach("end:recorded")
        if isinstance(outcome, StepResult) and outcome.used and not ended.refused:
            self._remove(outcome.used)
        self._go_on(ended, detached=detached)
        crash_points.reach("end:before-ack")
        if ended.refused:
            return {"refused": ended.refused}
        if isinstance(outcome, NotYet) or (ended.deferred and _is_lost(keeper, outcome)):
            return {"deferred": ended.deferred}
        if isinstance(outcome, StepFailed):
            failure = StepFailed(outcome.kind, masker.mask(outcome.message))
            self._tell(f"failed: {failure.message}")
            raise failure from None
        self._tell("succeeded")
        return {key: outcome.result[key] for key in _FLOWER_SHOWS if key in outcome.result}

    def _keeper(self) -> Keeper:
        host, settings = self.host, self.host.settings
        return Keeper(
            host.engine,
            self.claim,
            lease=settings.lease,
            renew=settings.lease_renew,
            since=self.since,
            connected=host.broker_answers,
            leaving=host.leaving,
        )

    def _logged(
        self, keeper: Keeper, masker: Masker, unusable: StepFailed | NotYet | None
    ) -> "Outcome":
        claim, host = self.claim, self.host
        where = (claim.asset, claim.step, claim.number)
        outcome: Outcome | None = None
        try:
            with livelog.open_log(
                host.settings, host.redis, claim.run_id, where, masker.lines()
            ) as log:
                outcome = unusable or self._outcome(self._context(keeper, log, masker), masker)
                _write(log, outcome)
        except OSError as error:  # of the log: the work's own are caught below
            logger.exception("no log for %s %s", claim.asset, claim.step)
            if outcome is not None:  # what is done is done: another try might do it twice
                return outcome
            message = f"the log cannot be written: {error.strerror}"
            return StepFailed(_kind(claim.step), message, hint=_HINT_STORAGE)
        return outcome

    def _outcome(self, context: StepContext, masker: Masker) -> "Outcome":
        step = self.claim.step
        try:
            if self.spec.fault and self.claim.position == 0:
                raise StepFailed("config", self.spec.fault)
            foresee(self.spec.steps, step)
            with self._files(context):
                return _judged(_work(self.host.function(step), context), context)
        except Locked as locked:
            return waiting.later(locked, self.claim.waited)
        except (StepFailed, NotYet) as end:
            return end
        except StorageError as error:
            return StepFailed(_kind(step), str(error), hint=_HINT_STORAGE)
        except Exception as error:
            trace = masker.mask(traceback.format_exc())
            logger.error("%s %s: unexpected\n%s", self.claim.asset, step, trace)
            hint = f"this is an error of fleet itself, see the log of worker {self.host.worker}"
            return StepFailed(_kind(step), f"{type(error).__name__}: {error}", hint=hint)

    def _files(self, context: StepContext) -> AbstractContextManager[None]:
        """The project's files are there, and stay, while the step works."""
        run, settings = self.run, self.host.settings
        return working_copies.using(
            settings, self.host.engine, run.run_id, run.bundle, lambda: context.stop.reason
        )

    def _context(self, keeper: Keeper, log: livelog.LiveLog, masker: Masker) -> StepContext:
        return StepContext(
            settings=self.host.settings,
            engine=self.host.engine,
            claim=self.claim,
            spec=self.spec,
            options=self.run.options,
            project=self.run.project,
            config=self.run.config,
            previous=self.claim.previous if self.claim.position else self.spec.given,
            log=log,
            stop=keeper.stop,
            mask=masker.add,
            progress=keeper.progress,
            may_commit=keeper.may_commit,
            hide=masker.mask,
        )

    def _record(self, outcome: "Outcome", keeper: Keeper, masker: Masker) -> Ended:
        engine, claim = self.host.engine, self.claim
        if isinstance(outcome, StepResult):
            return claims.succeed(engine, claim, outcome.result, outcome.checks)
        if isinstance(outcome, NotYet):
            return claims.defer(engine, claim, masker.mask(outcome.reason), outcome.delay)
        if _given_back(keeper, outcome) and self._may_run_again():
            return claims.give_back(engine, claim, keeper.stop.words)
        lost = _is_lost(keeper, outcome)
        kind = "cancelled" if keeper.stop.reason == CANCELLED else outcome.kind
        error = StepError(
            kind="lost" if lost else kind,
            message=keeper.stop.words or masker.mask(outcome.message),
            detail=masker.mask(outcome.detail),
            hint=masker.mask(outcome.hint) or self._why_once(),
            log=storage.log_name(claim.run_id, claim.asset, claim.step, claim.number),
            frames=tuple(asdict(f) for f in places.of(outcome, self.spec, claim.step)),
        )
        if lost:
            allowed = self.host.settings.losses_allowed
            return losses.lose(engine, claim, losses.Loss(error=error), allowed=allowed)
        return claims.fail(engine, claim, error, getattr(outcome, "checks", ()))

    def _remove(self, used: str) -> None:
        try:
            stores.of(self.host.settings).delete(used)
        except StorageError as error:
            logger.warning("%s stays until it is swept: %s", used, error)

    def _may_run_again(self) -> bool:
        return self.spec.rerun_after_loss or self.claim.step in ("checks", "sensor")

    def _why_once(self) -> str:
        """The hint where retries are wanted and none is made."""
        wanted = self.spec.retries > 0 and self.claim.step != "checks"
        return _ONCE_ONLY if wanted and self.claim.attempts_allowed == 1 else ""

    def _tell(self, end: str) -> None:
        claim = self.claim
        logger.info("run %s: %s %s %s", claim.run_id, claim.asset, claim.step, end)

    def _go_on(self, ended: Ended, *, detached: bool) -> None:
        """Send the steps that may run now, and move the run on where no chord will."""
        host, run_id, asset = self.host, self.claim.run_id, self.claim.asset
        send = list(ended.wake)
        if ended.deferred and ended.retry_in <= 0:
            send.append((run_id, asset, self.claim.step))
        elif ended.deferred:
            host.wake()
        if ended.next_step and detached:
            send.append((run_id, asset, ended.next_step))
        try:
            if send:
                levels.send_steps(host.engine, host.app, send)
            if ended.asset_done and detached:
                levels.advance(host.engine, host.app, run_id)
        except (BrokerError, RedisError, OSError) as error:
            logger.warning("reconcile will send what follows %s: %s", asset, error)


Outcome: TypeAlias = StepResult | StepFailed | NotYet


def _given_back(keeper: Keeper, outcome: Outcome) -> bool:
    """Whether the work ended because the worker was told to: it is not what stopped it."""
    return keeper.stop.reason == STOPPING and isinstance(outcome, StepFailed)


def _is_lost(keeper: Keeper, outcome: Outcome) -> bool:
    """Whether the work went without having failed: it, or its claim, was taken away.

    That a host stood still may be the work's own doing: it counts, as the loss of a worker does.
    """
    if keeper.stop.reason == CANCELLED or not isinstance(outcome, StepFailed):
        return False
    return outcome.kind == "lost" or keeper.stop.reason in (CUT_OFF, STOPPING)


def _work(function: StepFunction, context: StepContext) -> StepResult:
    """Do it; of checks that are tried again only those that failed."""
    if context.claim.step != "checks":
        return function(context)
    from workers import rechecks  # noqa: PLC0415 - it needs what only checks need

    return rechecks.run(function, context)


def _write(log: livelog.LiveLog, outcome: Outcome) -> None:
    """What the asset's process could not write into its log: why it never ran, or was ended."""
    if isinstance(outcome, NotYet):
        log.line(outcome.reason)
    elif isinstance(outcome, StepFailed) and outcome.kind in _UNHEARD:
        for line in dict.fromkeys([f"failed: {outcome.message}", *outcome.detail.splitlines()]):
            log.line(line)


class ChecksFailed(StepFailed):
    """Some checks did not pass; carries what each of them saw."""

    def __init__(self, checks: tuple[CheckRow, ...], context: StepContext) -> None:
        failed = [check for check in checks if not check.passed]
        shown, more = failed[: places.MOST], len(failed) > places.MOST
        names = ", ".join(check.id for check in shown) + (", ..." if more else "")
        message = f"{len(failed)} of {len(checks)} checks failed: {names}"
        detail = "\n".join(check.message or check.id for check in failed)
        frames = places.of_checks(shown, context.spec, context.project)
        super().__init__("checks", message, detail=detail, frames=frames)
        self.checks = checks


def _judged(outcome: StepResult, context: StepContext) -> StepResult | StepFailed:
    """A failed check fails its step, blocking or not, so that it is seen."""
    passed = all(check.passed for check in outcome.checks)
    return outcome if passed else ChecksFailed(outcome.checks, context)


def _kind(step: str) -> Kind:
    return _KINDS.get(step, "load")
