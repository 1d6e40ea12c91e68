"""The main step of an R asset: `Rscript FILE` from the project's root. Called by main_step.

As in Bruin the project's own .Rprofile counts (renv activates itself there); packages are those
that the worker's R has.
"""

import os
import shutil
import socket
from dataclasses import replace
from pathlib import Path

from workers import asset_process, confinement
from workers.context import StepContext, StepResult
from workers.endings import failure_of
from workers.errors import StepFailed
from workers.settings import Settings

HINT = "install R there (Debian: r-base-core, macOS: brew install r), or set `rscript` to its path"
_BEGINS = "Error"  # of R's own words about what stopped it
_ENDS = ("Calls:", "Execution halted")
_MOST = 5  # lines of these words


def run(context: StepContext) -> StepResult:
    """Run the script of this attempt. Raises StepFailed."""
    spec, project = context.spec, context.project
    program = find(context.settings)
    if program is None:
        name = context.settings.worker or socket.gethostname()
        raise StepFailed("env", f"Rscript is not installed on worker {name}", hint=HINT)
    words = _Words(context)
    env = asset_process.environment(context)
    argv = [program, str(project / (spec.body_path or spec.path))]
    with confinement.scratch(context.settings) as scratch:
        env |= confinement.environment(context.settings, scratch)
        confinement.give(context.settings, scratch)
        ended = asset_process.run(replace(context, log=words), argv, env, project)
    failed = failure_of(ended, None, spec, "script")
    if failed is None:
        return StepResult(result={"exit": 0})
    if failed.kind == "script" and words.error:
        raise StepFailed("script", words.error[0], detail="\n".join(words.error))
    raise failed


def find(settings: Settings) -> str | None:
    """The Rscript of this worker: as set, or on PATH."""
    named = settings.rscript
    if named:
        return named if os.access(named, os.X_OK) and Path(named).is_file() else None
    return shutil.which("Rscript")


class _Words:
    """The log, which also keeps what R said about its end."""

    def __init__(self, context: StepContext) -> None:
        self._log = context.log
        self._told = False
        self.error: list[str] = []

    def line(self, text: str) -> None:
        """Write one line."""
        self._log.line(text)
        if text.startswith(_BEGINS):
            self.error, self._told = [text.rstrip()], True
        elif self._told and not text.startswith(_ENDS) and len(self.error) < _MOST:
            self.error.append(text.rstrip())
        else:
            self._told = False
