"""What the catalog shows of runs: frozen values, times in seconds since 1970. Displays use it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.states import AssetState, RunState, StepState


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run. `counts` are its asset runs by state; `level` counts from 0, -1 before it begins."""

    id: str
    fleet: str
    pipeline: str
    path: str
    project: str
    config: str
    bundle: str
    environment: str
    submitter: str
    state: RunState
    reason: str
    level: int
    levels: int
    assets: int
    counts: Mapping[str, int] = field(default_factory=dict)
    stopping: bool
    created_at: float
    started_at: float | None
    ended_at: float | None
    deadline: float
    now: float  # by the catalog's clock, when this was read


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetView:
    """One asset of a run, with the step that runs, waits or ended last.

    `reason` says why it waits, was left out or failed; `waiting_on` names a lock. `before` says how
    the attempt before this one ended, while its step is tried again, and of an asset that has
    succeeded what it got over.
    """

    asset: str
    level: int
    position: int
    state: AssetState
    reason: str
    blocks: bool
    steps: tuple[str, ...]
    step: str
    step_state: StepState | None
    attempt: int
    attempts_allowed: int
    waiting_on: str
    not_before: float
    worker: str
    before: str
    progress: Mapping[str, Any]
    rows: int | None
    checks_passed: int | None
    checks_failed: int | None
    error: Mapping[str, Any]  # kind, message, detail, hint, log, frames; empty if none
    queued_at: float | None
    sent_at: float | None
    started_at: float | None
    ended_at: float | None
    changed_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One step of an asset run, as its newest attempt left it.

    `queue` is where it was sent last, `losses` are attempts that went with their worker, `deaths`
    those of them whose own process was killed.
    """

    asset: str
    step: str
    position: int
    state: StepState
    reason: str
    attempt: int
    attempts_allowed: int
    waiting_on: str
    waiting_since: float | None
    not_before: float
    worker: str
    pid: int | None
    queued_at: float | None
    sent_at: float | None
    sends: int
    queue: str
    losses: int
    deaths: int
    lease_until: float | None
    started_at: float | None
    ended_at: float | None
    progress: Mapping[str, Any]
    result: Mapping[str, Any]
    error: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """One try of a step."""

    asset: str
    step: str
    number: int
    token: int
    state: StepState
    worker: str
    pid: int
    host: str
    started_at: float
    ended_at: float | None
    result: Mapping[str, Any]
    error: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckView:
    """What one quality check saw, in the newest attempt of its asset that made checks."""

    asset: str
    id: str
    name: str
    column: str
    blocking: bool
    passed: bool
    observed: str
    expected: str
    query: str
    message: str
    seconds: float
