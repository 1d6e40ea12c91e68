"""One try of a step: what a full disk must not undo."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catalog import engine as engines
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record
from workers.attempt import Attempt
from workers.context import StepContext, StepResult
from workers.host import Host
from workers.settings import Settings

FULL = Path("/dev/full")


@pytest.mark.parametrize("late", [False, True])
def test_what_was_loaded_goes_when_that_is_recorded(tmp_path: Path, *, late: bool) -> None:
    """The file of one who comes too late is its successor's."""
    file = tmp_path / "storage" / "data.arrow"
    file.parent.mkdir()
    file.touch()
    app: Any = None  # nothing is sent
    work = lambda _: lambda _: StepResult(used="data.arrow")  # noqa: E731
    host = Host(settings=Settings(home=tmp_path), app=app, function=work)
    engines.upgrade(host.engine)
    spec = asset("a", steps=("query",))
    run_id = record(host.engine, plan([spec]))
    c.begin(host.engine, run_id)
    claim = c.take(host.engine, run_id, "a", "query")
    if late:
        claim = replace(claim, token=claim.token - 1)
    attempt = Attempt(host=host, claim=claim, spec=spec, run=host.facts(run_id))
    assert ("refused" in attempt.carry_out(None, detached=False)) is late
    assert file.exists() is late


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_work_that_is_done_is_not_repeated_because_its_log_is_full(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    app: Any = None  # nothing is sent
    host = Host(settings=settings, app=app, function=lambda _: done)
    engines.upgrade(host.engine)
    spec = asset("a", steps=("query",), retries=3)
    run_id = record(host.engine, plan([spec]))
    c.begin(host.engine, run_id)
    claim = c.take(host.engine, run_id, "a", "query")
    attempt = Attempt(host=host, claim=claim, spec=spec, run=host.facts(run_id))
    assert attempt.carry_out(None, detached=False) == {"rows": 1}
    assert c.states(host.engine, run_id) == {"a": "succeeded"}


def done(context: StepContext) -> StepResult:
    """Work that is committed before its last line is written."""
    log: Any = context.log
    log._file.close()
    log._file = FULL.open("w", encoding="utf-8")
    log.line("1 row written")  # which is not on the disk yet: closing the log fails
    return StepResult(result={"rows": 1})
