"""What goes into a claim and comes out of it: frozen values that catalog.claims takes and gives."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias


class UnknownRun(LookupError):
    """The catalog holds no run of this id; the message names it."""


class ContinuedAlready(Exception):
    """Another run, which is the message, does what the earlier one left undone."""


StepKey: TypeAlias = tuple[str, str, str]
"""Run id, asset, step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A lock that a step needs: at most `capacity` steps hold it at a time.

    `what` says in words what the lock guards, for the reasons that people read.
    """

    name: str
    capacity: int = 1
    what: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to run one attempt of a step; `token` fences off all earlier ones.

    `previous` is the result of the step before, `number` counts attempts from 1, of which `losses`
    went with their worker and are no failures. `waited` are the seconds since this try was first
    claimed: more than 0 if it was deferred. `earlier` are the checks of the attempt before, of
    which only those that failed are asked again.
    """

    run_id: str
    asset: str
    step: str
    step_id: int
    position: int
    number: int
    attempts_allowed: int
    token: int
    worker: str
    locks: tuple[str, ...] = ()
    previous: Mapping[str, Any] = field(default_factory=dict)
    waited: float = 0.0
    earlier: "tuple[CheckRow, ...]" = ()
    losses: int = 0

    @property
    def tries(self) -> int:
        """How often it was tried, this time included; what was lost was no try."""
        return self.number - self.losses


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The step is not to be run by this message: it is taken, ended, or not yet its turn."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """The step waits: until `not_before`, or for the lock `waiting_on`. It will be sent again."""

    reason: str
    waiting_on: str = ""
    not_before: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What became of a claim when it was renewed. A fenced one may not commit anything any more."""

    cancelled: bool = False
    fenced: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """What one quality check saw. `id` is asset:column:check or asset:custom:name.

    `retries` says how often it may be asked again; None leaves that to the asset.
    """

    id: str
    name: str
    column: str = ""
    blocking: bool = True
    passed: bool
    observed: str = ""
    expected: str = ""
    query: str = ""
    message: str = ""
    seconds: float = 0.0
    retries: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepError:
    """Why a step failed: one line, what a tool said, what to do, where in the user's code."""

    kind: str
    message: str
    detail: str = ""
    hint: str = ""
    log: str = ""
    frames: tuple[Any, ...] = ()  # dataclasses or mappings with file, line, function, source

    def to_json(self) -> str:
        """The error as the catalog keeps it; empty fields are left out."""
        data = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        data["frames"] = [_plain(frame) for frame in self.frames]
        return to_json({key: value for key, value in data.items() if value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What the end of an attempt led to.

    `wake` are steps of any run to be sent now, since a lock is free. `deferred` says that the step
    will be tried again, in `retry_in` seconds, at `retry_at`. `refused` says why the end did not
    count: a stale claim. `run_ended` is set when this was the last thing that a stopped run waited
    for.
    """

    asset_done: bool = False
    next_step: str | None = None
    wake: tuple[StepKey, ...] = ()
    deferred: str = ""
    retry_at: float = 0.0
    retry_in: float = 0.0
    refused: str = ""
    run_ended: bool = False


def to_json(value: Any) -> str:
    """Compact JSON text of a small value; ValueError where JSON cannot hold it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def from_json(text: str) -> dict[str, Any]:
    """The mapping that `to_json` wrote; empty for an empty text."""
    data: dict[str, Any] = json.loads(text) if text else {}
    return data


def words(text: str) -> str:
    """A text as a column can hold it: PostgreSQL refuses NUL."""
    return text.replace("\x00", "\ufffd")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
