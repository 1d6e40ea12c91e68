"""Runs one step of one asset: claim, work, record, and what follows. workers.tasks calls run_step.

The catalog decides whether the step runs at all; the functions that do the work know nothing of
messages, claims or locks.
"""

import functools
import importlib
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from celery import Celery
from sqlalchemy import Engine

from assets_parser.spec import AssetSpec, RunOptions, Step
from catalog import claims, runs
from catalog import engine as engines
from catalog.claims import CheckRow, Claim, Deferred, Ended, Refused, StepError, Want
from workers import levels, livelog
from workers.context import CheckOutcome, StepContext, StepResult
from workers.errors import Kind, StepFailed
from workers.keeper import CANCELLED, FENCED, Keeper
from workers.masking import Masker
from workers.settings import Settings

if TYPE_CHECKING:
    from redis import Redis

    from workers.connections import Connections

logger = logging.getLogger(__name__)

StepFunction = Callable[[StepContext], StepResult]

#: Where the work of each step is done; imported when the first such step comes.
FUNCTIONS: Mapping[str, str] = {
    "script": "workers.main_step",
    "materialize": "workers.main_step",
    "load": "workers.loader",
    "checks": "workers.checks",
}


def step_function(step: str) -> StepFunction:
    """The function that does the work of `step`."""
    function: StepFunction = importlib.import_module(FUNCTIONS[step]).run
    return function


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the steps of one worker share. `function` finds the work of a step."""

    settings: Settings
    app: Celery
    worker: str = field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")
    function: Callable[[str], StepFunction] = step_function

    @property
    def engine(self) -> Engine:
        """The catalog; one engine for each process."""
        return _engine(self.settings.catalog_url, os.getpid())

    @property
    def redis(self) -> "Redis":
        """The broker as live logs use it; one connection for each process."""
        return _redis(self.settings, os.getpid())


@functools.lru_cache(maxsize=4)
def _engine(url: str, pid: int) -> Engine:
    return engines.connect(url)


@functools.lru_cache(maxsize=4)
def _redis(settings: Settings, pid: int) -> "Redis":
    return livelog.client(settings)


def run_step(
    host: Host, run_id: str, asset: str, step: Step, *, detached: bool = False
) -> dict[str, Any]:
    """Run a step if the catalog lets this message have it; returns a few words for Flower.

    Raises StepFailed after a failure was recorded.
    """
    run = _facts(host.settings, run_id, os.getpid())
    spec = claims.spec(host.engine, run_id, asset)
    wants, unusable = _wants(host.settings, spec, step, run)
    outcome = claims.claim(
        host.engine,
        run_id,
        asset,
        step,
        worker=host.worker,
        pid=os.getpid(),
        locks=wants,
        lease=host.settings.lease,
    )
    if isinstance(outcome, Refused):
        return {"refused": outcome.reason}
    if isinstance(outcome, Deferred):
        return {"deferred": outcome.reason}
    attempt = _Attempt(host=host, claim=outcome, spec=spec, run=run)
    return attempt.carry_out(unusable, detached=detached)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What never changes while a run goes on."""

    run_id: str
    project: Path
    config: Path | None
    options: RunOptions


@functools.lru_cache(maxsize=64)
def _facts(settings: Settings, run_id: str, pid: int) -> _Facts:
    engine = _engine(settings.catalog_url, pid)
    run = runs.get(engine, run_id)
    config = settings.connections or run.config
    return _Facts(
        run_id=run_id,
        project=Path(run.project),
        config=Path(config) if config else None,
        options=runs.options(engine, run_id),
    )


def _wants(
    settings: Settings, spec: AssetSpec, step: Step, run: _Facts
) -> tuple[list[Want], StepFailed | None]:
    """The locks that the step needs, and the fault that fails it once it is claimed."""
    places = run.options.workers
    wants = [Want(name=f"run:{run.run_id}", capacity=places)] if places > 0 else []
    if not (spec.connection or spec.secrets):
        return wants, None
    from workers import locks  # noqa: PLC0415 - plain scripts need no connections

    try:
        found = locks.wants(spec, step, _connections(run))
    except StepFailed as error:
        return wants, error
    return sorted([*wants, *found], key=lambda want: want.name), None


def _connections(run: _Facts) -> "Connections":
    from workers import connections  # noqa: PLC0415 - it brings the YAML parser

    return connections.load(run.config, run.options.environment, os.environ, root=run.project)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """One claimed try of a step."""

    host: Host
    claim: Claim
    spec: AssetSpec
    run: _Facts

    def carry_out(self, unusable: StepFailed | None, *, detached: bool) -> dict[str, Any]:
        """Do the work, record its end, and send what its end made possible."""
        masker = Masker()
        settings = self.host.settings
        keeper = Keeper(
            self.host.engine, self.claim, lease=settings.lease, renew=settings.lease_renew
        )
        with self._log(masker) as log, keeper:
            outcome = self._outcome(keeper, log, masker, unusable)
        if keeper.stop.reason == FENCED:
            return {"refused": keeper.stop.words}
        ended = self._record(outcome, keeper, log, masker)
        self._go_on(ended, detached=detached)
        if isinstance(outcome, StepFailed) and not ended.refused:
            raise StepFailed(outcome.kind, masker.mask(outcome.message))
        return {"refused": ended.refused} if ended.refused else _words(outcome)

    def _log(self, masker: Masker) -> livelog.LiveLog:
        where = (self.claim.asset, self.claim.step, self.claim.number)
        redis = self.host.redis if self.host.settings.broker else None
        return livelog.open_log(self.host.settings, redis, self.claim.run_id, where, masker.mask)

    def _outcome(
        self,
        keeper: Keeper,
        log: livelog.LiveLog,
        masker: Masker,
        unusable: StepFailed | None,
    ) -> StepResult | StepFailed:
        """What the step function gave. This is an edge: whatever it raises ends the step only."""
        try:
            if unusable is not None:
                raise unusable
            function = self.host.function(self.claim.step)
            return _judged(function(self._context(keeper, log, masker)))
        except StepFailed as error:
            return error
        except Exception as error:
            logger.exception("%s %s: unexpected", self.claim.asset, self.claim.step)
            return _unexpected(self.claim.step, error)

    def _context(self, keeper: Keeper, log: livelog.LiveLog, masker: Masker) -> StepContext:
        return StepContext(
            settings=self.host.settings,
            engine=self.host.engine,
            claim=self.claim,
            spec=self.spec,
            options=self.run.options,
            project=self.run.project,
            config=self.run.config,
            previous=self.claim.previous,
            log=log,
            stop=keeper.stop,
            mask=masker.add,
            progress=keeper.progress,
        )

    def _record(
        self,
        outcome: StepResult | StepFailed,
        keeper: Keeper,
        log: livelog.LiveLog,
        masker: Masker,
    ) -> Ended:
        if isinstance(outcome, StepResult):
            checks = _rows(outcome.checks)
            return claims.succeed(self.host.engine, self.claim, outcome.result, checks)
        cancelled = keeper.stop.reason == CANCELLED
        error = StepError(
            kind="cancelled" if cancelled else outcome.kind,
            message=keeper.stop.words or masker.mask(outcome.message),
            detail=masker.mask(outcome.detail),
            hint=masker.mask(outcome.hint),
            log=str(log.path),
            frames=tuple(asdict(frame) for frame in outcome.frames),
        )
        checks = _rows(getattr(outcome, "checks", ()))
        return claims.fail(self.host.engine, self.claim, error, checks)

    def _go_on(self, ended: Ended, *, detached: bool) -> None:
        """Send the steps that may run now, and move the run on where no chord will."""
        host, run_id, asset = self.host, self.claim.run_id, self.claim.asset
        send = list(ended.wake)
        if ended.deferred and self.spec.retries_delay <= 0:
            send.append((run_id, asset, self.claim.step))
        if ended.next_step and detached:
            send.append((run_id, asset, ended.next_step))
        if send:
            levels.send_steps(host.engine, host.app, send)
        if ended.asset_done and detached:
            levels.advance(host.engine, host.app, run_id)


class _ChecksFailed(StepFailed):
    """Some checks did not pass; carries what each of them saw."""

    def __init__(self, checks: tuple[CheckOutcome, ...]) -> None:
        failed = [check for check in checks if not check.passed]
        names = ", ".join(check.id for check in failed[:3]) + (", ..." if len(failed) > 3 else "")
        message = f"{len(failed)} of {len(checks)} checks failed: {names}"
        detail = "\n".join(check.message or check.id for check in failed)
        super().__init__("checks", message, detail=detail)
        self.checks = checks


def _judged(outcome: StepResult) -> StepResult | StepFailed:
    """A failed check fails its step, blocking or not, so that it is seen."""
    passed = all(check.passed for check in outcome.checks)
    return outcome if passed else _ChecksFailed(outcome.checks)


def _rows(checks: tuple[CheckOutcome, ...]) -> tuple[CheckRow, ...]:
    return tuple(CheckRow(**asdict(check)) for check in checks)


def _unexpected(step: str, error: Exception) -> StepFailed:
    kinds: dict[str, Kind] = {"materialize": "materialize", "load": "load", "checks": "checks"}
    return StepFailed(
        kinds.get(step, "script"),
        f"{type(error).__name__}: {error}",
        hint=f"this is an error of fleet itself; {time.strftime('%H:%M:%S')} in the worker's log",
    )


def _words(outcome: StepResult | StepFailed) -> dict[str, Any]:
    """The parts of a result that Flower may show: figures, no values."""
    result = outcome.result if isinstance(outcome, StepResult) else {}
    return {key: result[key] for key in ("rows", "passed", "failed", "exit") if key in result}
