"""Runs a step of an asset if the catalog lets this message have it. workers.tasks calls it.

The catalog decides; the work itself is workers.attempt's.
"""

import os
from typing import Any

from assets_parser import imports
from assets_parser.spec import AssetSpec, Step
from catalog import claims
from catalog.claims import Deferred, Refused, Want
from workers import contract, crash_points
from workers.attempt import Attempt
from workers.errors import NotYet, StepFailed
from workers.host import Facts, Host
from workers.outages import patiently
from workers.pulse import clock

_LOOK, _LOOK_MOST = 0.2, 5.0  # seconds between two looks whether a table was made


def run_step(
    host: Host, run_id: str, asset: str, step: Step, *, detached: bool = False
) -> dict[str, Any]:
    """Claim the step, do its work, record its end; returns a few words for Flower.

    Raises StepFailed after a failure was recorded.
    """
    claimed = patiently(lambda: _claim(host, run_id, asset, step), "to claim a step", host.leaving)
    if isinstance(claimed, Refused):
        return {"refused": claimed.reason}
    if isinstance(claimed, Deferred):
        return {"deferred": claimed.reason}
    attempt, instead = claimed
    return attempt.carry_out(instead, detached=detached)


def _claim(
    host: Host, run_id: str, asset: str, step: Step
) -> tuple[Attempt, StepFailed | NotYet | None] | Refused | Deferred:
    """The try, and how it ends if there is a reason not to work; or why there is none."""
    run = host.facts(run_id)
    spec = claims.spec(host.engine, run_id, asset)
    waits = _waits(host, run, spec) if step == "checks" else ""
    wants, unusable = ([], None) if waits else _wants(host, spec, step, run)
    since = clock()
    crash_points.reach("claim:before")
    outcome = claims.claim(
        host.engine,
        run_id,
        asset,
        step,
        worker=host.worker,
        pid=os.getpid(),
        host=host.settings.host_name,
        locks=wants,
        lease=host.settings.lease,
        contract=contract.VERSION,
    )
    if isinstance(outcome, Refused | Deferred):
        return outcome
    crash_points.reach("claim:after")
    attempt = Attempt(host=host, claim=outcome, spec=spec, run=run, since=since)
    pause = min(_LOOK_MOST, _LOOK + outcome.waited / 10)
    if isinstance(unusable, NotYet):  # it is sent to another host at once, and again now and then
        unusable = NotYet(unusable.reason, pause if outcome.waited > _LOOK else 0.0)
    return attempt, NotYet(waits, pause) if waits else unusable


def _waits(host: Host, run: Facts, spec: AssetSpec) -> str:
    """Why the checks cannot be asked yet: tables that they read are still being made."""
    unmade = claims.unmade(host.engine, run.run_id, spec.checks_after) if spec.checks_after else []
    return f"its checks read {', '.join(unmade)}, still to be made" if unmade else ""


def _wants(
    host: Host, spec: AssetSpec, step: Step, run: Facts
) -> tuple[list[Want], StepFailed | NotYet | None]:
    """The locks that the step needs, and how it ends at once when it is claimed, if it does."""
    places = run.options.workers
    wants = [Want(name=f"run:{run.run_id}", capacity=places)] if places > 0 else []
    opens = spec.opens or imports.OPENERS.keys() & set(spec.imports)
    if not (spec.connection or spec.secrets or opens):
        return wants, None
    try:
        wants += _file_locks(host, spec, step, run)
    except (StepFailed, NotYet) as error:
        return wants, error
    return sorted(wants, key=lambda want: want.name), None


def _file_locks(host: Host, spec: AssetSpec, step: Step, run: Facts) -> list[Want]:
    from workers import connections, locks  # noqa: PLC0415 - plain scripts need no YAML parser

    found = connections.of_run(host.settings, run.run_id, run)
    if host.engine.dialect.name == "sqlite":  # of one host: what has one path is one file
        return locks.wants(spec, step, found)
    from workers import file_homes  # noqa: PLC0415 - only a fleet of many hosts needs them

    files = locks.files(spec, step, found)
    here = file_homes.place(host.engine, host.settings, run.config, run.options, found.environment)
    known = file_homes.identities(here, files, writes=locks.writes(step)) if files else {}
    return locks.wants(spec, step, found, known)
