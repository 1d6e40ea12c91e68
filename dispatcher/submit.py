"""Gives a plan to a fleet: records the run, then sends one message. For `fleet run`, `submit`."""

import contextlib
import getpass
import os
import secrets
import socket
from collections.abc import Iterable

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from assets_parser.spec import Plan
from catalog import runs
from dispatcher import message
from dispatcher.continuing import continued
from dispatcher.files import write_private
from dispatcher.fleets import Fleet, place
from dispatcher.preparing import Prepared
from dispatcher.problems import FleetError
from dispatcher.words import CTRL_C
from workers import contract, run_values
from workers.settings import Settings
from workers.signing import Signer

_LETTERS = "23456789abcdefghijkmnpqrstuvwxyz"  # without lookalikes
_TRIES = 20
_RETRY = {"max_retries": 3, "interval_start": 0.05, "interval_step": 0.2}  # a person waits


def record(engine: Engine, prepared: Prepared, fleet: Fleet, bundle: str = "") -> str:
    """Write the run into the catalog; its new id. `bundle` is the digest of its files."""
    for _ in range(_TRIES):
        run_id = "".join(secrets.choice(_LETTERS) for _ in range(5))
        try:
            _record(engine, prepared, fleet, run_id, bundle)
        except IntegrityError:
            continue  # the id is taken
        except KeyboardInterrupt:  # the run may stand there already, and nobody knows its id
            with contextlib.suppress(LookupError):
                runs.cancel(engine, run_id, CTRL_C)
            raise
        except runs.ContinuedAlready as error:
            raise continued(prepared.plan.options.continues, str(error)) from None
        return run_id
    raise FleetError("no free run id was found", hint="fleet clean removes old runs")


def record_as(
    engine: Engine, prepared: Prepared, fleet: Fleet, run_id: str, bundle: str = ""
) -> bool:
    """Write the run under this very id; False if the catalog has it already."""
    try:
        _record(engine, prepared, fleet, run_id, bundle)
    except IntegrityError:
        return False
    return True


def _record(engine: Engine, prepared: Prepared, fleet: Fleet, run_id: str, bundle: str) -> None:
    plan: Plan = prepared.plan
    runs.record(
        engine,
        plan,
        run_id=run_id,
        fleet=fleet.settings.fleet,
        project=plan.root,
        config=prepared.config,
        bundle=bundle,
        submitter=f"{getpass.getuser()}@{socket.gethostname()}, {os.getpid()}",
        contract=contract.VERSION,
    )


def send(engine: Engine, fleet: Fleet, pipeline: str, run_id: str) -> None:
    """Ask a worker to begin the run: the only message that a command ever sends."""
    if fleet.embedded:
        fleet.embedded.server.wait()
    try:
        if fleet.shared:
            signer = Signer(fleet.settings, engine)
            message.push(fleet.settings, message.first(signer, pipeline, run_id))
        else:
            _send_by_celery(fleet.settings, pipeline, run_id)
    except OSError as error:
        where = place(fleet.settings.broker)
        hint = f"run {run_id} is cancelled, nothing of it has run; fleet doctor looks at the broker"
        raise FleetError(f"the broker at {where} does not answer: {error}", hint=hint) from error


def _send_by_celery(settings: Settings, pipeline: str, run_id: str) -> None:
    """Through whatever the broker's address asks for. Raises OSError if it is away."""
    from kombu.exceptions import OperationalError

    from workers.app import make_app
    from workers.contract import advance_signature

    try:
        with make_app(settings) as app:
            advance_signature(app, pipeline, run_id).apply_async(  # type: ignore[no-untyped-call]
                ignore_result=True, retry_policy=_RETRY
            )
    except OperationalError as error:
        raise OSError(str(error)) from error


def hand_over(fleet: Fleet, run_id: str, names: Iterable[str]) -> None:
    """Leave the values that connections need where only workers of this host can read them.

    The workers of `fleet up` were started elsewhere and lack variables of this shell; embedded ones
    inherit them; remote ones have their own.
    """
    if not fleet.shared or fleet.embedded:
        return
    values = {name: os.environ[name] for name in names if name in os.environ}
    if values:
        write_private(run_values.path(fleet.settings, run_id), values)


def take_back(settings: Settings, run_id: str) -> None:
    """Remove the values of a run that is over."""
    run_values.path(settings, run_id).unlink(missing_ok=True)
