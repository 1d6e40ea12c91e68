"""From arguments to the end of a run: what `fleet run` and `fleet submit` do, step by step."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatcher import fleets, target
from dispatcher.fleets import Fleet
from dispatcher.look import Look
from dispatcher.problems import FleetError
from dispatcher.run_flags import RunFlags
from dispatcher.target import Target
from dispatcher.words import CTRL_C, some
from workers.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from dispatcher.preparing import Prepared
    from workers.bundles import Bundle

INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the command line asks for."""

    target: tuple[str, ...]
    flags: RunFlags
    overrides: dict[str, Any]
    look: Look
    retry: str = ""  # id of the run whose rest is to be done


def run(request: Request) -> int:
    """Submit and follow; the exit code."""
    try:
        return _run(request)
    except FleetError as error:
        if request.flags.single_check:
            error.code = 2  # 1 would say that the check was asked and does not hold
        raise


def _run(request: Request) -> int:
    aim = target.find(request.target)
    settings = fleets.load_settings(request.overrides, project(aim))
    with _fleet(settings) as fleet:  # it starts while we read the pipeline
        from dispatcher import preparing

        prepared = prepare(request, aim, settings)
        if not prepared.plan.assets:
            return _nothing(request, prepared)
        preparing.confirm(prepared, request.flags)
        return _submit_and_follow(_catalog(settings), prepared, fleet, request)


def detached(request: Request) -> int:
    """Submit to a fleet that stays; the run's id is all that stdout gets."""
    aim = target.find(request.target)
    settings = fleets.load_settings(request.overrides, project(aim))
    fleet = fleets.require(settings)
    from dispatcher import preparing

    prepared = prepare(request, aim, settings)
    if not prepared.plan.assets:
        return _nothing(request, prepared)
    preparing.confirm(prepared, request.flags)
    engine = _catalog(settings)
    bundle = _bundle(engine, prepared, fleet, request)
    run_id = _record(engine, prepared, fleet, bundle)
    try:
        _send(engine, run_id, prepared, fleet, bundle)
    except KeyboardInterrupt:  # nobody was told its id
        _cancel(engine, run_id, request)
        raise
    terminal = request.look.terminal
    terminal.note(_identity(prepared, fleet, run_id))
    terminal.line(json.dumps({"v": 1, "run": run_id}) if request.look.as_json else run_id)
    return 0


def scheduled(request: Request, aim: Target, fleet: Fleet, run_id: str) -> bool:
    """Start a run under this id; False if it is there already, or if it would have no assets.

    A broker that is away is no reason to fail: the run is recorded, and reconcile sends it.
    """
    from dispatcher import preparing, submit

    prepared = prepare(request, aim, fleet.settings)
    if not prepared.plan.assets:
        return False
    preparing.confirm(prepared, request.flags)
    engine = _catalog(fleet.settings)
    bundle = _bundle(engine, prepared, fleet, request)
    if not submit.record_as(engine, prepared, fleet, run_id, bundle.digest if bundle else ""):
        return False
    submit.hand_over(fleet, run_id, prepared.variables)
    try:
        submit.send(engine, fleet, prepared.plan.pipeline, run_id)
    except FleetError as error:
        request.look.terminal.note(f"{error}; run {run_id} begins when it is back")
    return True


def prepare(request: Request, aim: Target, settings: Settings) -> "Prepared":
    """The plan of what the command line asks for; `fleet plan` shows it."""
    from dispatcher import withheld

    prepared = _prepared(request, aim, settings)
    for notice in withheld.notes(prepared.plan.assets, os.environ, settings.pass_env):
        request.look.terminal.note(f"note: {notice}")
    return prepared


def _prepared(request: Request, aim: Target, settings: Settings) -> "Prepared":
    from dispatcher import options, preparing

    flags, look = options.settled(request.flags, settings), request.look
    if not (flags.continues or request.retry):
        return preparing.prepare(aim, flags, look)
    from dispatcher import continuing, lookup

    engine = _catalog(settings)
    if request.retry:
        view = lookup.run(engine, request.retry)
        earlier = continuing.of_run(engine, settings, flags, view)
    else:
        earlier = continuing.of_pipeline(engine, settings, flags, aim)
    if unheeded := continuing.unheeded(flags):
        given = ", ".join(unheeded)
        look.terminal.note(
            f"note: the options are those of run {earlier.id}, whatever is given: {given}"
        )
    return preparing.prepare(aim, continuing.flags_of(flags, earlier), look, earlier)


@contextmanager
def _fleet(settings: Settings) -> Iterator[Fleet]:
    fleet = fleets.find_or_start(settings)
    try:
        yield fleet
    finally:
        fleet.close()


def _sign_off(engine: "Engine", fleet: Fleet, *, over: bool) -> None:
    """The embedded fleet ends: its worker leaves, and a run that still goes on is over."""
    from catalog import workers
    from catalog.recover import interrupt

    assert fleet.embedded
    fleet.embedded.kill()
    workers.leave(engine, fleet.settings.worker)
    if not over:
        interrupt(engine, fleet.settings.fleet, "its command ended")
    fleet.embedded.owes = False


def _sweep(engine: "Engine", fleet: Fleet) -> None:
    """No worker is left to delete the copy in which the run worked."""
    from workers import working_copies

    working_copies.sweep(fleet.settings, engine)


def _catalog(settings: Settings) -> "Engine":
    """The catalog, after the runs of dead embedded fleets were ended in it."""
    from dispatcher import embedded
    from workers import catalog_host

    engine = fleets.catalog(settings)
    if refusal := catalog_host.refusal(engine, settings):
        raise FleetError(refusal)
    if dead := embedded.dead(settings):
        from catalog.recover import interrupt

        for name in dead:
            interrupt(engine, name, "its command was killed")
        embedded.forget(settings, dead)
    return engine


def _bundle(
    engine: "Engine", prepared: "Prepared", fleet: Fleet, request: Request
) -> "Bundle | None":
    """The project's files on storage, where the workers need them there."""
    from dispatcher import shipping

    if not shipping.wanted(request.flags, fleet.settings, shared=fleet.shared):
        return None
    bundle = shipping.make(prepared.plan.root, fleet.settings)
    for note in shipping.lacking(prepared.plan, bundle):
        request.look.terminal.note(f"note: {note}")
    shipping.ship(engine, fleet.settings, bundle)
    return bundle


def _record(engine: "Engine", prepared: "Prepared", fleet: Fleet, bundle: "Bundle | None") -> str:
    from dispatcher import submit
    from workers import run_values

    run_values.sweep(engine, fleet.settings)
    return submit.record(engine, prepared, fleet, bundle.digest if bundle else "")


def _send(
    engine: "Engine", run_id: str, prepared: "Prepared", fleet: Fleet, bundle: "Bundle | None"
) -> None:
    """Begin the run; one that cannot begin now is cancelled: who tries again gets it once only."""
    from dispatcher import shipping, submit

    why = "its bundle could not be stored"
    try:
        if bundle:  # again: what nobody needed may have gone until the run was recorded
            shipping.ship(engine, fleet.settings, bundle)
        why = "the broker did not take it"
        submit.hand_over(fleet, run_id, prepared.variables)
        submit.send(engine, fleet, prepared.plan.pipeline, run_id)
    except FleetError:
        from catalog import runs

        runs.cancel(engine, run_id, why)
        raise


def _submit_and_follow(
    engine: "Engine", prepared: "Prepared", fleet: Fleet, request: Request
) -> int:
    """The exit code. From its record on, no run is left to itself in silence."""
    bundle, run_id, over = _bundle(engine, prepared, fleet, request), "", False
    if fleet.embedded:
        fleet.embedded.owes = True
    try:
        run_id = _record(engine, prepared, fleet, bundle)
        _send(engine, run_id, prepared, fleet, bundle)
        code = _follow(engine, run_id, prepared, fleet, request)
        over = code != INTERRUPTED
        return code
    except KeyboardInterrupt:  # it came before the display could heed it
        asked = run_id and _cancel(engine, run_id, request)
        if asked and not fleet.embedded:  # what runs there is seen to its end; a second one leaves
            _follow(engine, run_id, prepared, fleet, request)
        raise
    finally:
        if fleet.embedded:
            _sign_off(engine, fleet, over=over)
            if bundle:
                _sweep(engine, fleet)


def _cancel(engine: "Engine", run_id: str, request: Request) -> bool:
    """Whether there was something to cancel."""
    from catalog import runs

    asked = runs.cancel(engine, run_id, CTRL_C)
    if asked:
        request.look.terminal.note(f"cancelling run {run_id}")
    return asked


def _follow(
    engine: "Engine", run_id: str, prepared: "Prepared", fleet: Fleet, request: Request
) -> int:
    from dispatcher import showing

    identity = _identity(prepared, fleet, run_id)
    if not fleet.embedded and request.look.terminal.tty:
        identity = _with_way_back(identity, f"fleet follow {run_id}", request.look.terminal.width)
    return showing.follow(engine, run_id, fleet, request.look, identity=identity)


def _identity(prepared: "Prepared", fleet: Fleet, run_id: str) -> str:
    plan = prepared.plan
    count = f"{some(len(plan.assets), 'asset')} in {some(len(plan.levels), 'level')}"
    if plan.options.continues:
        count += f" left of run {plan.options.continues}"
    return f"run {run_id} · {plan.pipeline} · {count} · {fleet.words}"


def _with_way_back(identity: str, command: str, width: int) -> str:
    """The command that brings one back, beside the rest or below it: nothing wraps."""
    line = f"{identity} · {command}"
    return line if len(line) < width else f"{identity}\n  back  {command}"


def _nothing(request: Request, prepared: "Prepared") -> int:
    """Bruin's word for it, and success."""
    if earlier := prepared.plan.options.continues:
        request.look.terminal.note(f"nothing is left of run {earlier}: all of it succeeded")
        return 0
    reasons = sorted({skipped.reason for skipped in prepared.plan.skipped})
    why = f": {'; '.join(reasons)}" if reasons else ": the pipeline has no assets"
    request.look.terminal.note(f"nothing to run{why}")
    return 0


def project(aim: Target) -> Path:
    """The folder whose fleet.toml counts: the git root above the pipeline, else its own folder."""
    folder = aim.pipeline if aim.pipeline.is_dir() else aim.pipeline.parent
    for above in (folder, *folder.parents):
        if (above / ".git").exists():
            return above
    return folder
