"""How an attempt ends: its step, its asset, its locks. Offered by catalog.claims; used by losses.

An end counts only for the newest claim of a step that runs, in a run that is not over.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from catalog import artifacts, backoff, locks, stopping
from catalog.refusals import why_stale
from catalog.statements import (
    ASSET_FAILED,
    ASSET_SUCCEEDED,
    END_ATTEMPT,
    END_STEP,
    FORGET_DEFERRED,
    HAND_ON,
    HOLD_RUN,
    QUEUE_NEXT,
    SHOW_FIGURES,
    SKIP_LATER,
    TRY_AGAIN,
    WAIT_UNTIL,
)
from catalog.states import AssetState, StepState, require
from catalog.tables import CheckResult, StepRun
from catalog.values import CheckRow, Claim, Ended, StepError, StepKey, to_json, words

_NEVER_AGAIN = frozenset({"cancelled", "lost", "config"})
"""Kinds of errors that another attempt would not cure, or must not."""


def succeed(
    engine: Engine, claim: Claim, result: Mapping[str, Any], checks: Sequence[CheckRow] = ()
) -> Ended:
    """Record that the attempt ended well, and let the asset's next step be claimed."""
    text = words(to_json(dict(result)))
    figures = _figures(result, checks)
    with engine.begin() as connection:
        stopped = hold_run(connection, claim)
        if not end_attempt(connection, claim, StepState.SUCCEEDED, result=text):
            return Ended(refused=why_stale(connection, claim))
        _record_checks(connection, claim, checks)
        _note_data(connection, claim, result)
        following = connection.execute(
            QUEUE_NEXT, _asset(claim) | {"position_": claim.position + 1}
        ).scalar()
        if following is None:
            connection.execute(ASSET_SUCCEEDED, _asset(claim) | figures)
        elif any(figure is not None for figure in figures.values()):
            connection.execute(SHOW_FIGURES, _asset(claim) | figures)
        ended = Ended(
            asset_done=following is None, next_step=following, wake=unlock(connection, claim)
        )
    return settled(engine, claim, ended) if stopped else ended


def fail(engine: Engine, claim: Claim, error: StepError, checks: Sequence[CheckRow] = ()) -> Ended:
    """Record that the attempt failed: the step is tried again if it may, else the asset failed."""
    with engine.begin() as connection:
        stopped = hold_run(connection, claim)
        again = not stopped and _may_repeat(claim, error, checks)
        end = _try_again if again else give_up
        ended = end(connection, claim, error, checks)
        if ended.refused:
            return ended
        _record_checks(connection, claim, checks)
        ended = replace(ended, wake=unlock(connection, claim))
    return settled(engine, claim, ended) if stopped else ended


def defer(engine: Engine, claim: Claim, reason: str, delay: float) -> Ended:
    """Put the step back for `delay` seconds: it must wait, and holds neither slot nor lock.

    That is no failure and counts against no retries; the time since its first claim goes on.
    """
    return _put_back(engine, claim, lambda it: _put_off(it, claim, words(reason), max(delay, 0.0)))


def give_back(engine: Engine, claim: Claim, reason: str) -> Ended:
    """Put the step back for another worker, at once: this one cannot go on with it.

    That is neither a failure nor a loss. The try keeps its number, and one more is allowed.
    """
    return _put_back(engine, claim, lambda it: _hand_on(it, claim, words(reason)))


def _put_back(engine: Engine, claim: Claim, put: Callable[[Connection], Ended]) -> Ended:
    with engine.begin() as connection:
        stopped = hold_run(connection, claim)
        if stopped:
            error = StepError(kind="cancelled", message="the run is stopping")
            ended = give_up(connection, claim, error)
        else:
            ended = put(connection)
        if ended.refused:
            return ended
        ended = replace(ended, wake=unlock(connection, claim))
    return settled(engine, claim, ended) if stopped else ended


def _hand_on(connection: Connection, claim: Claim, reason: str) -> Ended:
    outcome = StepState.CANCELLED
    if not end_attempt(connection, claim, StepState.QUEUED, reason=reason, outcome=outcome):
        return Ended(refused=why_stale(connection, claim))
    connection.execute(HAND_ON, {"id_": claim.step_id})
    return Ended(deferred=reason)


def _put_off(connection: Connection, claim: Claim, reason: str, delay: float) -> Ended:
    outcome = StepState.DEFERRED
    if not end_attempt(connection, claim, StepState.QUEUED, reason=reason, outcome=outcome):
        return Ended(refused=why_stale(connection, claim))
    older = {"step_": claim.step, "token_": claim.token}
    connection.execute(FORGET_DEFERRED, _asset(claim) | older)
    values = {"id_": claim.step_id, "delay_": delay}
    retry_at = connection.execute(WAIT_UNTIL, values).scalar_one()
    return Ended(deferred=reason, retry_at=retry_at, retry_in=delay)


def _may_repeat(claim: Claim, error: StepError, checks: Sequence[CheckRow]) -> bool:
    """Whether another try is left; of failed checks only some may have one."""
    if claim.tries >= claim.attempts_allowed or error.kind in _NEVER_AGAIN:
        return False
    failed = [check for check in checks if not check.passed]
    if error.kind != "checks" or not failed:
        return True
    return any(check.retries is None or check.retries >= claim.tries for check in failed)


def _note_data(connection: Connection, claim: Claim, result: Mapping[str, Any]) -> None:
    """The Arrow data of a materialization is an artifact, whose file goes when it is loaded."""
    which: dict[str, Any] = {"run_id": claim.run_id, "asset": claim.asset, "label": "data"}
    data = result.get("data")
    if claim.step == "materialize" and data:
        artifacts.add_data(connection, claim.run_id, claim.asset, data)
    elif claim.step == "load":
        artifacts.removed(connection, **which)


def _asset(claim: Claim) -> dict[str, Any]:
    return {"run_": claim.run_id, "asset_": claim.asset}


def hold_run(connection: Connection, claim: Claim) -> bool:
    """Keep the run from being stopped meanwhile; whether it is stopping already."""
    return bool(connection.scalar(HOLD_RUN, {"run_": claim.run_id}))


def settled(engine: Engine, claim: Claim, ended: Ended) -> Ended:
    """After the end is committed: the last step of a stopped run ends the run."""
    return replace(ended, run_ended=stopping.settle(engine, claim.run_id))


def end_attempt(
    connection: Connection,
    claim: Claim,
    state: StepState,
    *,
    reason: str = "",
    result: str = "",
    error: str = "",
    held_too: bool = True,
    outcome: StepState | None = None,
) -> bool:
    """End the step and its attempt (in `outcome`, if not alike), if the claim still counts."""
    texts = {"result_": result, "error_": error}
    values: dict[str, Any] = {"id_": claim.step_id, "token_": claim.token, "held_too_": held_too}
    values |= {"state_": require(StepState.RUNNING, state), "reason_": reason}
    if connection.execute(END_STEP, values | texts).rowcount == 0:
        return False
    values = {"token_": abs(claim.token), "state_": outcome or state}
    connection.execute(END_ATTEMPT, values | texts)
    return True


def _try_again(
    connection: Connection, claim: Claim, error: StepError, checks: Sequence[CheckRow]
) -> Ended:
    """Put the step back: it may be claimed again once its delay is over."""
    least = connection.scalar(select(StepRun.retries_delay).where(StepRun.id == claim.step_id))
    delay = backoff.pause(least or 0.0, claim.tries)
    again = f"again in {round(delay, 1):g}s" if delay else "again at once"
    reason = words(
        f"attempt {claim.tries} of {claim.attempts_allowed} failed: {error.message}; {again}"
    )
    text = words(error.to_json())
    state, outcome = StepState.QUEUED, StepState.FAILED
    if not end_attempt(connection, claim, state, reason=reason, error=text, outcome=outcome):
        return Ended(refused=why_stale(connection, claim))
    values = {"id_": claim.step_id, "delay_": delay}
    retry_at = connection.execute(TRY_AGAIN, values).scalar_one()
    connection.execute(SHOW_FIGURES, _asset(claim) | _figures({}, checks))
    return Ended(deferred=reason, retry_at=retry_at, retry_in=delay)


def give_up(
    connection: Connection,
    claim: Claim,
    error: StepError,
    checks: Sequence[CheckRow] = (),
    *,
    held_too: bool = True,
) -> Ended:
    """The asset has failed with this step, or was cancelled with it; later steps are skipped.

    Without `held_too` it counts only if the claim's lease is over, as for `end_attempt`.
    """
    text, reason = words(error.to_json()), words(error.message)
    cancelled = error.kind == "cancelled"
    failed = StepState.LOST if error.kind == "lost" else StepState.FAILED
    state = StepState.CANCELLED if cancelled else failed
    if not end_attempt(connection, claim, state, reason=reason, error=text, held_too=held_too):
        return Ended(refused=why_stale(connection, claim))
    skipped = {"position_": claim.position, "reason_": f"its step {claim.step} did not succeed"}
    connection.execute(SKIP_LATER, _asset(claim) | skipped)
    values = {
        "state_": AssetState.CANCELLED if cancelled else AssetState.FAILED,
        "blocks_": _blocks(error, checks),
        "reason_": reason,
        "error_": text,
        "step_": claim.step,
    }
    connection.execute(ASSET_FAILED, _asset(claim) | values | _figures({}, checks))
    return Ended(asset_done=True)


def _blocks(error: StepError, checks: Sequence[CheckRow]) -> bool:
    """Whether what depends on the asset must not run: only non-blocking checks do not matter."""
    failed = [check for check in checks if not check.passed]
    if error.kind != "checks" or not failed:
        return True
    return any(check.blocking for check in failed)


def _figures(result: Mapping[str, Any], checks: Sequence[CheckRow]) -> dict[str, int | None]:
    """What the asset run shows of a step: rows that were loaded, checks that passed."""
    rows = result.get("rows")
    return {
        "rows_": rows if isinstance(rows, int) else None,
        "passed_": sum(check.passed for check in checks) if checks else None,
        "failed_": sum(not check.passed for check in checks) if checks else None,
    }


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


def unlock(connection: Connection, claim: Claim) -> tuple[StepKey, ...]:
    """Give back what the claim holds; the steps that may have it now."""
    return locks.wake(connection, locks.release(connection, claim.token)) if claim.locks else ()
