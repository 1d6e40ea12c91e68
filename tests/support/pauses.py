"""Stands a fleet's worker still for a while, outside of what others would have to wait for."""

import contextlib
import json
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.support.cli import Cli, until


@contextmanager
def paused_worker(cli: Cli) -> Iterator[None]:
    """The fleet that is up while its worker, and all that it started, is stopped."""
    facts = json.loads((cli.home / "run" / "up.json").read_text())
    main = psutil.Process(facts["processes"]["worker"]["pid"])
    processes: Sequence[psutil.Process] = until(lambda: _stopped(main, cli.home / "catalog.db"))
    try:
        yield
    finally:
        _signal(processes, signal.SIGCONT)


def _stopped(main: psutil.Process, catalog: Path) -> Sequence[psutil.Process]:
    """All of them, none if one was stopped while it held the catalog's lock: then they go on."""
    processes = [main, *main.children(recursive=True)]
    _signal(processes, signal.SIGSTOP)
    if _free(catalog):
        return processes
    _signal(processes, signal.SIGCONT)
    return []


def _signal(processes: Sequence[psutil.Process], number: int) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):  # a short-lived child
            process.send_signal(number)


def _free(catalog: Path) -> bool:
    """Whether somebody who wants to write need not wait."""
    link = sqlite3.connect(catalog, timeout=0.5, isolation_level=None)
    try:
        link.execute("BEGIN IMMEDIATE")
        link.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        link.close()
    return True
