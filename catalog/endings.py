"""How an attempt ends: its step, its asset, its locks. catalog.claims offers succeed and fail.

An end counts only for the newest claim of a step that runs, in a run that is not over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, case, exists, insert, select, update

from catalog import locks, stopping
from catalog.clock import now
from catalog.refusals import why_stale
from catalog.states import AssetState, RunState, StepState, before
from catalog.tables import AssetRun, Attempt, CheckResult, Run, StepRun
from catalog.values import CheckRow, Claim, Ended, StepError, to_json, words

_NEVER_AGAIN = frozenset({"cancelled", "lost", "config"})
"""Kinds of errors that another attempt would not cure, or must not."""


def succeed(
    engine: Engine, claim: Claim, result: Mapping[str, Any], checks: Sequence[CheckRow] = ()
) -> Ended:
    """Record that the attempt ended well, and let the asset's next step be claimed."""
    with engine.begin() as connection:
        _hold_run(connection, claim.run_id)
        text = to_json(dict(result))
        values: dict[str, Any] = {"result_json": text, "error_json": "", "reason": ""}
        if not _end_step(connection, claim, StepState.SUCCEEDED, values):
            return Ended(refused=why_stale(connection, claim))
        _end_attempt(connection, claim, StepState.SUCCEEDED, result_json=text)
        _record_checks(connection, claim, checks)
        following = _queue_next(connection, claim)
        if following is None:
            _asset_succeeded(connection, claim, _figures(result, checks))
        else:
            _update_asset(connection, claim, _figures(result, checks))
        ended = Ended(
            asset_done=following is None, next_step=following, wake=_unlock(connection, claim)
        )
    return _settled(engine, claim, ended)


def fail(
    engine: Engine,
    claim: Claim,
    error: StepError,
    checks: Sequence[CheckRow] = (),
    *,
    only_expired: bool = False,
) -> Ended:
    """Record that the attempt failed: the step is tried again if it may, else the asset has failed.

    `only_expired` lets it count only if the claim's lease is over, for those who bury the lost.
    """
    extra = (StepRun.lease_until < now(),) if only_expired else ()
    with engine.begin() as connection:
        stopped = _hold_run(connection, claim.run_id)
        retry = (
            not stopped and claim.number < claim.attempts_allowed and error.kind not in _NEVER_AGAIN
        )
        ended = (_retry if retry else _give_up)(connection, claim, error, checks, extra)
        if ended.refused:
            return ended
        ended = replace(ended, wake=_unlock(connection, claim))
    return _settled(engine, claim, ended)


def _hold_run(connection: Connection, run_id: str) -> bool:
    """Keep the run from being stopped until this transaction ends; whether it is stopping already.

    Without it a stop could miss a step that ends, and that step the stop, and nobody end the run.
    """
    held = select(Run.stop_state).where(Run.id == run_id).with_for_update(read=True)
    return bool(connection.scalar(held))


def _settled(engine: Engine, claim: Claim, ended: Ended) -> Ended:
    """After the end is committed: the last step of a stopped run ends the run."""
    if ended.next_step is None and stopping.settle(engine, claim.run_id):
        return replace(ended, run_ended=True)
    return ended


def _end_step(
    connection: Connection,
    claim: Claim,
    state: StepState,
    values: Mapping[str, Any],
    extra: Sequence[ColumnElement[bool]] = (),
) -> bool:
    """The fenced compare-and-set that every end of an attempt goes through."""
    run_open = exists().where(Run.id == claim.run_id, Run.state == RunState.RUNNING)
    done = connection.execute(
        update(StepRun)
        .where(StepRun.id == claim.step_id, StepRun.token == claim.token)
        .where(StepRun.state == StepState.RUNNING, StepRun.state.in_(before(state)))
        .where(run_open, *extra)
        .values(state=state, lease_until=None, ended_at=now(), changed_at=now(), **values)
    )
    return done.rowcount == 1


def _end_attempt(
    connection: Connection,
    claim: Claim,
    state: StepState,
    *,
    result_json: str = "",
    error_json: str = "",
) -> None:
    connection.execute(
        update(Attempt)
        .where(Attempt.id == abs(claim.token))
        .values(state=state, ended_at=now(), result_json=result_json, error_json=error_json)
    )


def _queue_next(connection: Connection, claim: Claim) -> str | None:
    """Make the asset's next step claimable; its name, None if there is none to run."""
    return connection.execute(
        update(StepRun)
        .where(StepRun.run_id == claim.run_id, StepRun.asset == claim.asset)
        .where(StepRun.position == claim.position + 1)
        .where(StepRun.state.in_(before(StepState.QUEUED)), StepRun.state != StepState.RUNNING)
        .values(state=StepState.QUEUED, queued_at=now(), sent_at=now(), sends=1, changed_at=now())
        .returning(StepRun.step)
    ).scalar()


def _asset_succeeded(connection: Connection, claim: Claim, figures: Mapping[str, Any]) -> None:
    """The asset has succeeded, unless a stop took away its later steps."""
    cut = exists().where(
        StepRun.run_id == claim.run_id,
        StepRun.asset == claim.asset,
        StepRun.state == StepState.CANCELLED,
    )
    state = case((cut, AssetState.CANCELLED), else_=AssetState.SUCCEEDED)
    reason = case((cut, "the run was stopped before all its steps had run"), else_="")
    _update_asset(
        connection, claim, {"state": state, "reason": reason, "ended_at": now(), **figures}
    )


def _update_asset(connection: Connection, claim: Claim, values: Mapping[str, Any]) -> None:
    if not values:
        return
    connection.execute(
        update(AssetRun)
        .where(AssetRun.run_id == claim.run_id, AssetRun.asset == claim.asset)
        .where(AssetRun.state == AssetState.RUNNING)
        .values(changed_at=now(), **values)
    )


def _figures(result: Mapping[str, Any], checks: Sequence[CheckRow]) -> dict[str, Any]:
    """What the asset run shows of a step: rows that were loaded, checks that passed."""
    figures: dict[str, Any] = {}
    if isinstance(result.get("rows"), int):
        figures["rows"] = result["rows"]
    if checks:
        figures["checks_passed"] = sum(check.passed for check in checks)
        figures["checks_failed"] = sum(not check.passed for check in checks)
    return figures


def _record_checks(connection: Connection, claim: Claim, checks: Sequence[CheckRow]) -> None:
    if not checks:
        return
    rows = [
        {
            "attempt_id": abs(claim.token),
            "position": position,
            "run_id": claim.run_id,
            "asset": claim.asset,
            "check_id": check.id,
            "name": check.name,
            "column": check.column,
            "blocking": check.blocking,
            "passed": check.passed,
            "observed": words(check.observed),
            "expected": words(check.expected),
            "query": words(check.query),
            "message": words(check.message),
            "seconds": check.seconds,
        }
        for position, check in enumerate(checks)
    ]
    connection.execute(insert(CheckResult), rows)


def _unlock(connection: Connection, claim: Claim) -> tuple[tuple[str, str, str], ...]:
    return locks.wake(connection, locks.release(connection, claim.token)) if claim.locks else ()


def _retry(
    connection: Connection,
    claim: Claim,
    error: StepError,
    checks: Sequence[CheckRow],
    extra: Sequence[ColumnElement[bool]],
) -> Ended:
    """Put the step back: it may be claimed again once its delay is over."""
    delay = connection.scalar(select(StepRun.retries_delay).where(StepRun.id == claim.step_id))
    again = f"again in {delay:g}s" if delay else "again now"
    reason = words(
        f"attempt {claim.number} of {claim.attempts_allowed} failed: {error.message}; {again}"
    )
    text = words(error.to_json())
    values = {
        "reason": reason,
        "error_json": text,
        "not_before": now() + float(delay or 0.0),
        "queued_at": now(),
        "sends": 0,
    }
    if not _end_step(connection, claim, StepState.QUEUED, values, extra):
        return Ended(refused=why_stale(connection, claim))
    _end_attempt(connection, claim, StepState.FAILED, error_json=text)
    _record_checks(connection, claim, checks)
    _update_asset(connection, claim, {"step": claim.step})
    at = connection.scalar(select(StepRun.not_before).where(StepRun.id == claim.step_id))
    return Ended(deferred=reason, retry_at=float(at or 0.0))


def _give_up(
    connection: Connection,
    claim: Claim,
    error: StepError,
    checks: Sequence[CheckRow],
    extra: Sequence[ColumnElement[bool]],
) -> Ended:
    """The asset has failed with this step, or was cancelled with it; later steps are skipped."""
    text = words(error.to_json())
    state = {"cancelled": StepState.CANCELLED, "lost": StepState.LOST}.get(
        error.kind, StepState.FAILED
    )
    values = {"error_json": text, "reason": words(error.message)}
    if not _end_step(connection, claim, state, values, extra):
        return Ended(refused=why_stale(connection, claim))
    _end_attempt(connection, claim, state, error_json=text)
    _record_checks(connection, claim, checks)
    _skip_later(connection, claim, f"its step {claim.step} did not succeed")
    cancelled = state == StepState.CANCELLED
    figures = _figures({}, checks)
    asset_values = {
        "state": AssetState.CANCELLED if cancelled else AssetState.FAILED,
        "blocks": _blocks(error, checks),
        "reason": words(error.message),
        "error_json": text,
        "step": claim.step,
        "ended_at": now(),
    }
    _update_asset(connection, claim, asset_values | figures)
    return Ended(asset_done=True)


def _skip_later(connection: Connection, claim: Claim, reason: str) -> None:
    connection.execute(
        update(StepRun)
        .where(StepRun.run_id == claim.run_id, StepRun.asset == claim.asset)
        .where(StepRun.position > claim.position)
        .where(StepRun.state.in_(before(StepState.SKIPPED)))
        .values(state=StepState.SKIPPED, reason=reason, ended_at=now(), changed_at=now())
    )


def _blocks(error: StepError, checks: Sequence[CheckRow]) -> bool:
    """Whether what depends on the asset must not run: only non-blocking checks do not matter."""
    failed = [check for check in checks if not check.passed]
    if error.kind != "checks" or not failed:
        return True
    return any(check.blocking for check in failed)
