"""The states of runs, assets and steps, and which may follow which. Every change asks here."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar


class RunState(StrEnum):
    """What a run is doing; `queued` until its first level begins."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class AssetState(StrEnum):
    """What an asset of a run is doing; `queued` until its first step begins."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UPSTREAM_FAILED = "upstream_failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class StepState(StrEnum):
    """What one step of an asset is doing; `pending` until its predecessor has succeeded."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    LOST = "lost"
    DEFERRED = "deferred"  # of attempts only: it found that the step must wait


class IllegalTransitionError(Exception):
    """A state may not follow another."""

    def __init__(self, old: StrEnum, new: StrEnum) -> None:
        super().__init__(f"{type(old).__name__}: {old.value} may not become {new.value}")


S = TypeVar("S", RunState, AssetState, StepState)

RUN: Mapping[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset(
        {RunState.RUNNING, RunState.FAILED, RunState.CANCELLED, RunState.INTERRUPTED}
    ),
    RunState.RUNNING: frozenset(
        {RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.INTERRUPTED}
    ),
}
ASSET: Mapping[AssetState, frozenset[AssetState]] = {
    AssetState.QUEUED: frozenset(AssetState) - {AssetState.QUEUED, AssetState.FAILED},
    AssetState.RUNNING: frozenset({AssetState.SUCCEEDED, AssetState.FAILED, AssetState.CANCELLED}),
}
STEP: Mapping[StepState, frozenset[StepState]] = {
    StepState.PENDING: frozenset({StepState.QUEUED, StepState.SKIPPED, StepState.CANCELLED}),
    StepState.QUEUED: frozenset({StepState.RUNNING, StepState.CANCELLED}),
    StepState.RUNNING: frozenset(
        {
            StepState.QUEUED,  # another attempt
            StepState.SUCCEEDED,
            StepState.FAILED,
            StepState.CANCELLED,
            StepState.LOST,
        }
    ),
}
_TABLES: Mapping[type[StrEnum], Mapping[StrEnum, frozenset[StrEnum]]] = {
    RunState: RUN,  # type: ignore[dict-item]
    AssetState: ASSET,  # type: ignore[dict-item]
    StepState: STEP,  # type: ignore[dict-item]
}


def may_follow(old: S, new: S) -> bool:
    """Whether `new` may follow `old`."""
    return new in _TABLES[type(old)].get(old, frozenset())


def require(old: S, new: S) -> S:
    """`new`, if it may follow `old`; else IllegalTransitionError."""
    if not may_follow(old, new):
        raise IllegalTransitionError(old, new)
    return new


def before(new: S) -> tuple[S, ...]:
    """The states that `new` may follow: what the WHERE of every compare-and-set names."""
    return tuple(old for old in type(new) if may_follow(old, new))


def is_terminal(state: RunState | AssetState | StepState) -> bool:
    """Whether nothing may follow."""
    return not _TABLES[type(state)].get(state)


def open_states(kind: type[S]) -> tuple[S, ...]:
    """The states of a kind that are not terminal."""
    return tuple(state for state in kind if not is_terminal(state))


RUN_OPEN = open_states(RunState)
ASSET_OPEN = open_states(AssetState)
STEP_OPEN = open_states(StepState)
