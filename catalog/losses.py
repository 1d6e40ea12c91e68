"""Attempts that went with their worker or process: their step is queued again, within a bound.

catalog.recover calls this. A loss is no failure: it uses up no retry. A step that is lost more
often than `allowed` may be what kills its workers, and is quarantined: it fails.
"""

from dataclasses import dataclass, replace

from sqlalchemy import Connection, Engine, bindparam, select, update

from assets_parser.spec import load_spec
from catalog.clock import now
from catalog.endings import end_attempt, give_up, hold_run, settled, unlock
from catalog.refusals import why_stale
from catalog.statements import PATIENT_SINCE
from catalog.states import StepState
from catalog.tables import AssetRun, Attempt, StepRun
from catalog.values import Claim, Ended, StepError, words

_ONLY_LOOK = ("checks", "sensor")
"""Steps that change nothing: another one does no harm, whatever the asset says."""

_AGAIN = (
    update(StepRun)
    .where(StepRun.id == bindparam("id_"))
    .values(
        losses=StepRun.losses + 1,
        deaths=StepRun.deaths + bindparam("deaths_"),
        not_before=now(),  # whoever looks next sends it
        queued_at=now(),
        sends=0,
        ended_at=None,
        begun_at=PATIENT_SINCE,
    )
)
"""Lets a lost step be claimed at once; its try goes on."""

_AT_ONCE = 0.001
"""Not 0 seconds, which would ask the caller to send it: whoever looks for what is due does."""

_COUNT = (
    update(StepRun)
    .where(StepRun.id == bindparam("id_"))
    .values(losses=StepRun.losses + 1, deaths=StepRun.deaths + bindparam("deaths_"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """How an attempt went: in words, and whether its own process was killed, not the worker."""

    error: StepError
    died: bool = False


def lose(
    engine: Engine, claim: Claim, loss: Loss, *, allowed: int, only_expired: bool = False
) -> Ended:
    """Record that the attempt is lost: its step is queued again, or its asset has failed.

    `only_expired` lets it count only if the claim's lease is over.
    """
    with engine.begin() as connection:
        stopped = hold_run(connection, claim)
        final = loss.error if stopped else _verdict(connection, claim, loss.error, allowed)
        if final is None:
            ended = _again(connection, claim, loss.error, allowed, held_too=not only_expired)
        else:
            ended = give_up(connection, claim, final, held_too=not only_expired)
        if ended.refused:
            return ended
        counted = {"id_": claim.step_id, "deaths_": int(loss.died)}
        connection.execute(_COUNT if final else _AGAIN, counted)
        ended = replace(ended, wake=unlock(connection, claim))
    return settled(engine, claim, ended) if stopped else ended


def _verdict(
    connection: Connection, claim: Claim, error: StepError, allowed: int
) -> StepError | None:
    """The error with which the asset fails, None if the step may run again."""
    if claim.losses + 1 > allowed:
        return _quarantine(connection, claim, error)
    why, hint = _why_not_again(connection, claim)
    return replace(error, message=f"{error.message}; {why}", hint=hint) if why else None


def _why_not_again(connection: Connection, claim: Claim) -> tuple[str, str]:
    """Why the step must not run once more, and what to do; nothing if it may."""
    text = connection.scalar(
        select(AssetRun.spec_json).where(
            AssetRun.run_id == claim.run_id, AssetRun.asset == claim.asset
        )
    )
    try:
        allowed = not text or load_spec(text).rerun_after_loss
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        return f"its description in the catalog cannot be read: {error}", "submit the run again"
    if allowed or claim.step in _ONLY_LOOK:
        return "", ""
    return (
        "the asset forbids another run after a loss",
        "look at what it did so far, then run it again (`fleet_rerun: never` in `meta`)",
    )


def _quarantine(connection: Connection, claim: Claim, error: StepError) -> StepError:
    number = claim.losses + 1
    if number == 1:
        return error
    places = dict.fromkeys([*_places(connection, claim), claim.worker])
    return replace(
        error,
        message=f"quarantined after {number} losses, as it may be what kills them: {error.message}",
        detail="\n".join([error.detail, f"It was lost on {', '.join(places)}."]).strip(),
        hint="probably the host had no memory left (there: `dmesg`, `journalctl -k`);"
        " `losses_allowed` in fleet.toml is the bound",
    )


def _places(connection: Connection, claim: Claim) -> list[str]:
    """The workers that went with earlier attempts of the step."""
    a = Attempt
    query = (
        select(a.worker)
        .where(a.run_id == claim.run_id, a.asset == claim.asset, a.step == claim.step)
        .where(a.state == StepState.LOST)
        .order_by(a.id)
    )
    return list(connection.scalars(query))


def _again(
    connection: Connection, claim: Claim, error: StepError, allowed: int, *, held_too: bool
) -> Ended:
    reason = words(f"{error.message}; again, loss {claim.losses + 1} of {allowed}")
    gone = end_attempt(
        connection,
        claim,
        StepState.QUEUED,
        reason=reason,
        error=words(error.to_json()),
        held_too=held_too,
        outcome=StepState.LOST,
    )
    if not gone:
        return Ended(refused=why_stale(connection, claim))
    return Ended(deferred=reason, retry_in=_AT_ONCE)
