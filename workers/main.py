"""The entry of a worker process: `python -P -m workers.main`, settings in the environment.

Not Celery's command line, which looks for modules in the current folder first: a project may hold a
celery.py. `fleet worker`, `fleet up` and embedded fleets start it.
"""

import gc
import logging
import os
import socket
import sys
import warnings
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

LIFELINE = "FLEET_LIFELINE_FD"  # number of a pipe's read end that is inherited
FOREGROUND = "FLEET_FOREGROUND"  # set where somebody, or a service manager, reads stderr


def main() -> int:
    """Run a worker until it is told to stop; its exit code."""
    _prepare_process()
    from workers import confinement  # noqa: PLC0415 - after sys.path is clean
    from workers.settings import Settings, SettingsError  # noqa: PLC0415

    try:
        settings = Settings.load()
        confinement.prepare(settings)
    except SettingsError as error:
        print(f"fleet worker: {error}", file=sys.stderr)
        return 2
    if not settings.broker:
        print("fleet worker: no broker is set: name one by FLEET_BROKER", file=sys.stderr)
        return 2
    lifeline = os.environ.pop(LIFELINE, "")
    for name in settings.as_environ():  # what this process starts must not find the broker's URL
        os.environ.pop(name, None)
    return _work(settings, int(lifeline) if lifeline else None)


def _prepare_process() -> None:
    """No imports from the current folder; children write bytecode, or each start is slow."""
    here = {"", str(Path.cwd())}
    installed = str(Path(__file__).resolve().parents[1])
    sys.path[:] = [entry for entry in sys.path if entry not in here or entry == installed]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def _work(settings: Any, lifeline: int | None) -> int:
    gc.disable()  # an import makes much and drops little: collecting costs a tenth of the start
    from workers import consumer  # noqa: PLC0415 - the settings are known to be good by now

    gc.freeze()  # the pool's children share these pages
    gc.enable()
    name = settings.worker or f"{socket.gethostname()}-{os.getpid()}"
    _log_to(settings.logs / f"worker-{name}.log", foreground=bool(os.environ.pop(FOREGROUND, "")))
    return consumer.run(settings, name, lifeline)


def _log_to(path: Path, *, foreground: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=10_000_000, backupCount=2, delay=True)
    handlers: list[logging.Handler] = [handler]
    handlers += [logging.StreamHandler()] if foreground else []
    for each in handlers:
        each.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
    level = os.environ.get("FLEET_LOG_LEVEL", "INFO").upper()
    logging.basicConfig(level=level, handlers=handlers, force=True)
    # a failed asset fails its chord: the catalog has it, no need for a traceback of Celery's
    logging.getLogger("celery.backends").setLevel(logging.CRITICAL)
    if level == "INFO":  # steps tell their ends themselves, by name
        logging.getLogger("celery").setLevel(logging.WARNING)
    # Celery's warning to root is about pickle; we take JSON only
    warnings.filterwarnings("ignore", message="You're running the worker with superuser")


if __name__ == "__main__":
    sys.exit(main())
