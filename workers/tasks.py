"""The Celery tasks: thin. They check what a message holds and call workers.steps or .levels.

workers.main registers them on the app that it runs.
"""

import logging
from collections.abc import Callable
from typing import Any

from celery import Celery

from assets_parser.spec import Step
from catalog.values import UnknownRun
from workers import contract, levels, steps
from workers.errors import StepFailed
from workers.host import Host

logger = logging.getLogger(__name__)


def register(app: Celery, host: Host) -> None:
    """Give the app the fleet's tasks, and no others."""
    for step in contract.STEPS:
        _register_step(app, host, step)
    _register_advance(app, host)


def _register_step(app: Celery, host: Host, step: Step) -> None:
    def run(run_id: Any, asset: Any, detached: Any = False) -> Any:
        run_id, asset = contract.check_run_id(run_id), contract.check_asset(asset)
        return _known(lambda: steps.run_step(host, run_id, asset, step, detached=detached is True))

    # StepFailed is an outcome, recorded already: a line in the worker's log, not a traceback
    app.task(  # type: ignore[no-untyped-call]
        run, name=contract.task_name(step), throws=(StepFailed,)
    )


def _register_advance(app: Celery, host: Host) -> None:
    def advance(run_id: Any) -> Any:
        run_id = contract.check_run_id(run_id)
        return _known(lambda: {"run": levels.advance(host.engine, host.app, run_id)})

    # bound, or Celery would call it inside the worker's main process instead of sending a message
    def advance_failed(task: Any, run_id: Any) -> Any:
        return advance(run_id)

    app.task(advance, name=contract.ADVANCE, ignore_result=True)  # type: ignore[no-untyped-call]
    app.task(  # type: ignore[no-untyped-call]
        advance_failed, name=contract.ADVANCE_FAILED, bind=True, ignore_result=True
    )


def _known(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do the work; a message about a run of another catalog is refused, not an error of ours."""
    try:
        return work()
    except UnknownRun as error:
        logger.warning("%s: was it submitted with another --catalog than this worker's?", error)
        return {"refused": str(error)}
