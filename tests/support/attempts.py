"""Attempts of one load, in processes of their own, for the tests of what counts once."""

import contextlib
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from assets_parser.model import Column, Materialization
from assets_parser.spec import AssetSpec
from tests.support.cli import until
from tests.support.tables import OPTIONS, Target, catalog
from workers import crash_points, loader
from workers.engines import opened
from workers.errors import Locked, NotYet, StepFailed

KEY = (Column(name="id", type="bigint", primary_key=True),)
ENDS = {"loaded": 10, "lost": 11, "not yet": 12, "failed": 13}
_PATIENCE = 100.0  # seconds for which a locked file is tried again


@dataclass(frozen=True, kw_only=True)
class Try:
    """One attempt: its run, its number, its claim's token."""

    target: Target
    rows: pa.Table
    strategy: str
    run: str
    number: int
    token: int
    continues: str = ""

    def load(self) -> Mapping[str, Any]:
        """Do it here; the step's result."""
        day = self.strategy == "delete+insert"
        spec = AssetSpec(
            pipeline="shop",
            name="shop.orders",
            type="python",
            path="assets/orders.py",
            steps=("materialize", "load"),
            connection="db",
            columns=KEY if self.strategy == "merge" else (),
            materialization=Materialization(
                type="table", strategy=self.strategy, incremental_key="day" if day else ""
            ),
            interval_start=OPTIONS.start,
            interval_end=OPTIONS.end,
        )
        data = self.target.data(self.rows, f"orders.{self.token}")
        context = self.target.context(spec, "load", {"data": data})
        claim: Any = context.claim
        claim.run_id, claim.number, claim.token = self.run, self.number, self.token
        claim.losses = self.number - 1
        options = replace(context.options, continues=self.continues)
        return loader.run(replace(context, options=options)).result

    def end(self) -> str:
        """Do it here, whenever the file is free; how it ended."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            try:
                self.load()
            except Locked:
                time.sleep(0.02)
            except NotYet:
                return "not yet"
            except StepFailed as failure:
                if "lock" not in str(failure):
                    print(failure, failure.detail)
                    return "lost" if failure.kind == "lost" else "failed"
                time.sleep(0.02)
            else:
                return "loaded"
        return "failed"


@contextlib.contextmanager
def child(attempt: Try, crash: str = "", log: Path | None = None) -> Iterator[Callable[[], str]]:
    """The attempt in a process of its own; what is given waits for it and says how it ended."""
    catalog()  # one for all of them
    pid = os.fork()
    if pid == 0:
        _alone(attempt, crash, log)
    ended = False

    def wait() -> str:
        nonlocal ended
        status = os.waitpid(pid, 0)[1]
        ended = True
        if os.WIFSIGNALED(status):
            return signal.Signals(os.WTERMSIG(status)).name
        codes = {code: end for end, code in ENDS.items()}
        return codes.get(os.WEXITSTATUS(status), "broke")

    try:
        yield wait
    finally:
        if not ended:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _alone(attempt: Try, crash: str, log: Path | None) -> None:
    """In the child: never returns."""
    try:
        os.environ[crash_points.WANTED] = crash
        if log:
            os.environ[crash_points.LOG] = str(log)
        os._exit(ENDS[attempt.end()])
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def stopped(pid_log: Path, point: str) -> int:
    """The process that stopped itself at a point, once it has."""
    found: int = until(lambda: _stopped(pid_log, point))
    return found


def _stopped(pid_log: Path, point: str) -> int:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for line in pid_log.read_text("utf-8").splitlines(keepends=True):
            name, _, pid = line.partition(" ")
            if name == point and pid.endswith("\n") and _state(int(pid)) == "T":
                return int(pid)
    return 0


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]


def left_over(target: Target) -> list[str]:
    """Staging tables that are still there."""
    query = "SELECT table_name FROM information_schema.tables"
    if target.kind == "sqlite":
        query = "SELECT name FROM shop.sqlite_master"
    with opened(target.connection) as database:
        names = [str(row[0]) for row in database.rows(query, limit=10_000)[0]]
    return [name for name in names if name.startswith("__bruin_fleet_")]


def sessions(target: Target, which: str) -> list[object]:
    """The processes of a server's sessions that fit a condition."""
    with opened(target.connection) as database:
        query = f"SELECT pid FROM pg_stat_activity WHERE {which}"
        return list(database.rows(query, limit=10)[0])
