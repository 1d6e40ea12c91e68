"""The statements that every step runs: built once, as building them costs more than running them.

catalog.claims and catalog.endings execute them. Names of parameters end with an underscore, since
those of columns are taken.
"""

from sqlalchemy import (
    Boolean,
    ColumnElement,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased

from catalog.clock import now
from catalog.states import AssetState, RunState, StepState, before
from catalog.tables import AssetRun, Attempt, CheckResult, Run, StepRun

_IS_STEP = (
    StepRun.run_id == bindparam("run_"),
    StepRun.asset == bindparam("asset_"),
    StepRun.step == bindparam("step_"),
)
_IS_ASSET = (AssetRun.run_id == bindparam("run_"), AssetRun.asset == bindparam("asset_"))
_STEPS_OF_ASSET = (StepRun.run_id == bindparam("run_"), StepRun.asset == bindparam("asset_"))


def _run_goes_on() -> ColumnElement[bool]:
    return exists().where(
        Run.id == StepRun.run_id, Run.state == RunState.RUNNING, Run.stop_state == ""
    )


def _predecessor_succeeded() -> ColumnElement[bool]:
    earlier = aliased(StepRun)
    succeeded = exists().where(
        earlier.run_id == StepRun.run_id,
        earlier.asset == StepRun.asset,
        earlier.position == StepRun.position - 1,
        earlier.state == StepState.SUCCEEDED,
    )
    return or_(StepRun.position == 0, succeeded)


SEIZE = (
    update(StepRun)
    .where(*_IS_STEP, StepRun.state.in_(before(StepState.RUNNING)))
    .where(StepRun.not_before <= now(), _run_goes_on(), _predecessor_succeeded())
    .values(state=StepState.RUNNING, lease_until=now() + bindparam("lease_"))
    .returning(
        StepRun.id,
        StepRun.position,
        StepRun.number,
        StepRun.attempts_allowed,
        StepRun.losses,
        select(Run.contract).where(Run.id == bindparam("run_")).scalar_subquery().label("contract"),
    )
)
"""The compare-and-set of a claim: all its conditions but the worker's and the locks."""

WAIT = (
    update(StepRun)
    .where(StepRun.id == bindparam("id_"))
    .values(
        state=StepState.QUEUED,
        lease_until=None,
        reason=bindparam("reason_"),
        waiting_on=bindparam("lock_"),
        waiting_since=func.coalesce(StepRun.waiting_since, now()),  # it keeps its place
        changed_at=now(),
    )
)
"""Takes a seizure back, in the same transaction, for a step whose lock is busy."""

BEGIN_ATTEMPT = (
    insert(Attempt)
    .values(
        run_id=bindparam("run_"),
        asset=bindparam("asset_"),
        step=bindparam("step_"),
        number=bindparam("number_"),
        state=StepState.RUNNING,
        worker=bindparam("worker_"),
        pid=bindparam("pid_"),
        host=bindparam("host_"),
        started_at=now(),
    )
    .returning(Attempt.id)
)

HOLD_STEP = (
    update(StepRun)
    .where(StepRun.id == bindparam("id_"))
    .values(
        token=bindparam("token_"),
        number=bindparam("number_"),
        worker=bindparam("worker_"),
        pid=bindparam("pid_"),
        begun_at=func.coalesce(StepRun.begun_at, now()),
        started_at=now(),
        ended_at=None,
        changed_at=now(),
        reason="",
        waiting_on="",
        waiting_since=None,
        not_before=0.0,
        progress_json="",
    )
    .returning(now() - StepRun.begun_at)
)
"""Gives the seconds since the step was first claimed, which a deferred one survives."""

SHOW_WAITING = update(AssetRun).where(*_IS_ASSET).values(step=bindparam("step_"), changed_at=now())

SHOW_RUNNING = (
    update(AssetRun)
    .where(*_IS_ASSET)
    .values(
        step=bindparam("step_"),
        state=case(
            (AssetRun.state.in_(before(AssetState.RUNNING)), AssetState.RUNNING),
            else_=AssetRun.state,
        ),
        started_at=func.coalesce(AssetRun.started_at, now()),
        changed_at=now(),
    )
)

PREVIOUS_RESULT = select(StepRun.result_json).where(
    *_STEPS_OF_ASSET, StepRun.position == bindparam("position_")
)

HOLD_RUN = select(Run.stop_state).where(Run.id == bindparam("run_")).with_for_update(read=True)
"""Keeps a run from being stopped until the transaction ends. Without it a stop could miss a step
that ends, and that step the stop, and nobody would end the run."""

END_STEP = (
    update(StepRun)
    .where(StepRun.id == bindparam("id_"), StepRun.token == bindparam("token_"))
    .where(StepRun.state == StepState.RUNNING)
    .where(exists().where(Run.id == StepRun.run_id, Run.state == RunState.RUNNING))
    .where(or_(bindparam("held_too_", type_=Boolean()), StepRun.lease_until < now()))
    .values(
        state=bindparam("state_"),
        reason=bindparam("reason_"),
        result_json=bindparam("result_"),
        error_json=bindparam("error_"),
        lease_until=None,
        ended_at=now(),
        changed_at=now(),
    )
)
"""The fenced compare-and-set that every end of an attempt goes through."""

_LATER = case((bindparam("delay_") > 0, now() + bindparam("delay_")), else_=0.0)
"""When a step may be claimed; without a delay it is sent by whoever put it back, by nobody else."""

TRY_AGAIN = (
    update(StepRun)
    .where(StepRun.id == bindparam("id_"))
    .values(
        not_before=_LATER,
        queued_at=now(),
        sends=0,
        ended_at=None,
        begun_at=None,
    )
    .returning(StepRun.not_before)
)

WAIT_UNTIL = (
    update(StepRun)
    .where(StepRun.id == bindparam("id_"))
    .values(
        number=StepRun.number - 1,  # it did not count
        not_before=_LATER,
        queued_at=now(),
        sends=0,
        ended_at=None,
    )
    .returning(StepRun.not_before)
)
"""Lets a step that was put back be claimed again later, as the same try."""

PATIENT_SINCE = case((StepRun.step == "sensor", StepRun.begun_at), else_=None)
"""For a step whose work was taken away: the time that it worked is no time that it waited for a
lock. A sensor's patience counts from its first look."""

HAND_ON = (
    update(StepRun)
    .where(StepRun.id == bindparam("id_"))
    .values(
        begun_at=PATIENT_SINCE,
        attempts_allowed=StepRun.attempts_allowed + 1,  # its number is spent: paths hold it
        not_before=0.0,
        queued_at=now(),
        sent_at=now(),
        sends=1,
        ended_at=None,
    )
)
"""Lets a step be claimed by another worker now; whoever put it back sends it."""

FORGET_DEFERRED = delete(Attempt).where(
    Attempt.run_id == bindparam("run_"),
    Attempt.asset == bindparam("asset_"),
    Attempt.step == bindparam("step_"),
    Attempt.state == StepState.DEFERRED,
    Attempt.id < bindparam("token_"),
)
"""A sensor may ask thousands of times: only its last look is kept."""

EARLIER_CHECKS = (
    select(CheckResult)
    .join(Attempt, Attempt.id == CheckResult.attempt_id)
    .where(CheckResult.run_id == bindparam("run_"), CheckResult.asset == bindparam("asset_"))
    .where(Attempt.step == bindparam("step_"), Attempt.number == bindparam("number_"))
    .order_by(CheckResult.attempt_id, CheckResult.position)
)
"""What the checks of an attempt saw; the newest last, should there be two of its number."""

END_ATTEMPT = (
    update(Attempt)
    .where(Attempt.id == bindparam("token_"))
    .values(
        state=bindparam("state_"),
        ended_at=now(),
        result_json=bindparam("result_"),
        error_json=bindparam("error_"),
    )
)

QUEUE_NEXT = (
    update(StepRun)
    .where(*_STEPS_OF_ASSET, StepRun.position == bindparam("position_"))
    .where(StepRun.state == StepState.PENDING)
    .values(state=StepState.QUEUED, queued_at=now(), sent_at=now(), sends=1, changed_at=now())
    .returning(StepRun.step)
)
"""Makes an asset's next step claimable; whoever ended the step before sends it."""

SKIP_LATER = (
    update(StepRun)
    .where(*_STEPS_OF_ASSET, StepRun.position > bindparam("position_"))
    .where(StepRun.state.in_(before(StepState.SKIPPED)))
    .values(state=StepState.SKIPPED, reason=bindparam("reason_"), ended_at=now(), changed_at=now())
)

_FIGURES = {
    "rows": func.coalesce(bindparam("rows_", type_=AssetRun.rows.type), AssetRun.rows),
    "checks_passed": func.coalesce(
        bindparam("passed_", type_=AssetRun.rows.type), AssetRun.checks_passed
    ),
    "checks_failed": func.coalesce(
        bindparam("failed_", type_=AssetRun.rows.type), AssetRun.checks_failed
    ),
    "changed_at": now(),
}

SHOW_FIGURES = update(AssetRun).where(*_IS_ASSET).values(**_FIGURES)

_cut = exists().where(
    StepRun.run_id == AssetRun.run_id,
    StepRun.asset == AssetRun.asset,
    StepRun.state == StepState.CANCELLED,
)
ASSET_SUCCEEDED = (
    update(AssetRun)
    .where(*_IS_ASSET, AssetRun.state.in_(before(AssetState.SUCCEEDED)))
    .values(
        state=case((_cut, AssetState.CANCELLED), else_=AssetState.SUCCEEDED),
        reason=case((_cut, "the run was stopped before all its steps had run"), else_=""),
        ended_at=now(),
        **_FIGURES,
    )
)
"""The asset has succeeded, unless a stop took away its later steps."""

ASSET_FAILED = (
    update(AssetRun)
    .where(*_IS_ASSET, AssetRun.state == AssetState.RUNNING)
    .values(
        state=bindparam("state_"),
        blocks=bindparam("blocks_"),
        reason=bindparam("reason_"),
        error_json=bindparam("error_"),
        step=bindparam("step_"),
        ended_at=now(),
        **_FIGURES,
    )
)
