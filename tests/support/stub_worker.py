"""A real worker whose steps do what the asset's parameters say. Run as a program by tests.

All is real but the work itself: broker, processes, catalog, chords. An asset's `parameters`:
`<step>_seconds` to take that long, `<step>_until` to go on until a file of that name lies beside
the journal, `<step>_fails` to fail with that message, `<step>_raises`, `<step>_dies` to be killed,
`<step>_lines` to log, `checks_bad` for a check that does not pass, `<step>_waits` to ask so many
times for `<step>_every` more seconds, `<step>_breaks` to fail in so many of its first attempts,
`<step>_hangs` to go on for ever and `<step>_tree` for a process tree that stays, in so many as
well. Each start and end is a line in the file that FLEET_TEST_JOURNAL names.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from catalog.values import CheckRow
from tests.support import trees
from workers import consumer
from workers.context import StepContext, StepResult
from workers.errors import NotYet, StepFailed
from workers.settings import Settings


def note(text: str) -> None:
    """One line in the journal; whole, whoever else writes."""
    handle = os.open(_journal(), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, (text + "\n").encode())
    os.close(handle)


def work(context: StepContext) -> StepResult:
    """One step as its asset's parameters say."""
    asset, step = context.spec.name, context.claim.step
    says = {key.removeprefix(step + "_"): value for key, value in context.spec.parameters.items()}
    note(f"start {asset} {step}")
    for number in range(says.get("lines", 0)):
        context.log.line(f"{asset} line {number}")
    if says.get("dies"):
        os.kill(os.getpid(), signal.SIGKILL)
    if says.get("tree", 0) >= context.claim.number:
        trees.grow(context, _journal().parent)
    deadline = time.monotonic() + says.get("seconds", 0.0)
    hangs = says.get("hangs", 0) >= context.claim.number
    while (hangs or _goes_on(says, deadline)) and not context.stop.wait(0.05):
        context.progress({"note": "still at it"})
    if context.stop.reason:
        note(f"stopped {asset} {step} {context.stop.reason}")
        raise StepFailed("cancelled", f"stopped: {context.stop.reason}")
    if "raises" in says:
        raise RuntimeError(says["raises"])
    if says.get("waits", 0) > _waited(asset, step):
        note(f"wait {asset} {step}")
        raise NotYet("not yet there", says["every"])
    if context.claim.number <= says.get("breaks", 0):
        note(f"break {asset} {step}")
        raise StepFailed("script", f"attempt {context.claim.number} broke")
    if "fails" in says:
        raise StepFailed("script", says["fails"])
    note(f"end {asset} {step}")
    return StepResult(result={"step": step}, checks=_checks(says) if step == "checks" else ())


def _journal() -> Path:
    return Path(os.environ["FLEET_TEST_JOURNAL"])


def _goes_on(says: dict[str, Any], deadline: float) -> bool:
    waits = "until" in says and not _journal().with_name(says["until"]).exists()
    return waits or time.monotonic() < deadline


def _waited(asset: str, step: str) -> int:
    lines = _journal().read_text("utf-8").splitlines()
    return lines.count(f"wait {asset} {step}")


def _checks(says: dict[str, object]) -> tuple[CheckRow, ...]:
    passed = not says.get("bad")
    return (CheckRow(id="a:b:not_null", name="not_null", passed=passed),)


if __name__ == "__main__":
    settings = Settings.load()
    lifeline = os.environ.get("FLEET_LIFELINE_FD", "")
    sys.exit(
        consumer.run(
            settings, settings.worker, int(lifeline) if lifeline else None, lambda step: work
        )
    )
