"""Why a step failed or must wait, in words. Steps raise these, workers.attempt records them."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "script",
    "materialize",
    "env",
    "load",
    "query",
    "hook",  # behind the commit: the asset's rows are in its table
    "sensor",
    "checks",
    "timeout",
    "cancelled",
    "lost",
    "config",  # not cured by another try
    "connection",  # could not be opened now
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame of the user's own code in a traceback; `file` is relative to the project root."""

    file: str
    line: int
    function: str
    source: str = ""


class StepFailed(Exception):
    """A step ended without success.

    `message` is one line ("ZeroDivisionError: division by zero"), `detail` what a tool said in its
    own words (uv, ingestr, a failing query), `hint` what to do next. None of them holds a secret.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        detail: str = "",
        hint: str = "",
        frames: tuple[Frame, ...] = (),
    ) -> None:
        self.kind: Kind = kind
        self.message = message
        self.detail = detail
        self.hint = hint
        self.frames = frames
        super().__init__(kind, message)

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


class Locked(StepFailed):
    """Another session or program holds what the step needs: that is waiting, and no failure.

    `message` names the holder. workers.waiting says how long; nothing of the step is done.
    """

    def __init__(self, message: str, *, detail: str = "", hint: str = "") -> None:
        super().__init__("connection", message, detail=detail, hint=hint)


class NotYet(Exception):
    """A step must wait: it is run again in `delay` seconds, and holds no slot until then.

    That is no failure and counts against no retries. `reason` is one line for those who look.
    """

    def __init__(self, reason: str, delay: float) -> None:
        self.reason = reason
        self.delay = delay
        super().__init__(reason)
