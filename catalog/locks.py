"""Named locks with slots, held by running steps. catalog.claims takes them and gives them back.

A lock is held while its holder's step runs under a lease that is not over: there is no second lease
to keep in step. Whoever changes a lock's slots holds its rows in one order, (name, slot), and takes
them only after the row of its own step, so that no two transactions can wait for each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from catalog.clock import now
from catalog.engine import reading
from catalog.states import StepState
from catalog.tables import Lock, StepRun
from catalog.values import StepKey, Want


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLock:
    """One taken slot of a lock. `expired` says that the next who wants it gets it."""

    name: str
    slot: int
    run_id: str
    asset: str
    step: str
    what: str
    worker: str
    taken_at: float
    lease_until: float | None
    expired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """A lock that cannot be had now, and why, in words."""

    name: str
    reason: str


@dataclass(slots=True)
class _Slot:
    slot: int
    token: int | None
    asset: str
    run_id: str


def pick(connection: Connection, wants: Sequence[Want]) -> list[tuple[Want, int]] | Busy:
    """A free slot for every want, its rows locked until the transaction ends; or the first busy."""
    _make_slots(connection, wants)
    slots = _locked_slots(connection, wants)
    picked: list[tuple[Want, int]] = []
    for want in wants:
        found = _free_slot(connection, want, slots[want.name])
        if isinstance(found, Busy):
            return found
        picked.append((want, found))
    return picked


def take(
    connection: Connection, picked: Sequence[tuple[Want, int]], holder: StepKey, token: int
) -> None:
    """Write the holder into slots that `pick` returned."""
    run_id, asset, step = holder
    for want, slot in picked:
        connection.execute(
            update(Lock)
            .where(Lock.name == want.name, Lock.slot == slot)
            .values(
                token=token, run_id=run_id, asset=asset, step=step, what=want.what, taken_at=now()
            )
        )


def release(connection: Connection, token: int) -> list[str]:
    """Free all that this claim holds; the names, one for each slot."""
    held = (
        select(Lock.name, Lock.slot)
        .where(Lock.token == token)
        .order_by(Lock.name, Lock.slot)
        .with_for_update()
    )
    names = [row.name for row in connection.execute(held)]
    if names:
        connection.execute(
            update(Lock)
            .where(Lock.token == token)
            .values(token=None, run_id="", asset="", step="", what="", taken_at=None)
        )
    return names


def wake(connection: Connection, names: Sequence[str]) -> tuple[StepKey, ...]:
    """For each freed slot the step that has waited longest; each is named to one releaser only."""
    woken = [_wake_one(connection, name) for name in names]
    return tuple(key for key in woken if key is not None)


def _wake_one(connection: Connection, name: str) -> StepKey | None:
    oldest = (
        select(StepRun.id)
        .where(StepRun.state == StepState.QUEUED, StepRun.waiting_on == name)
        .order_by(StepRun.waiting_since, StepRun.id)
        .limit(1)
        # a step that somebody claims this moment sees the free slot by itself
        .with_for_update(skip_locked=True)
    )
    row = connection.execute(
        update(StepRun)
        .where(StepRun.id == oldest.scalar_subquery(), StepRun.waiting_on == name)
        .values(waiting_on="", sent_at=now(), sends=1, changed_at=now())
        .returning(StepRun.run_id, StepRun.asset, StepRun.step)
    ).first()
    return None if row is None else (row.run_id, row.asset, row.step)


def free_slots(connection: Connection, name: str) -> int:
    """How many slots of a lock nobody holds under a lease that lasts; 1 for an unknown lock."""
    total = connection.scalar(select(func.count()).where(Lock.name == name)) or 0
    holders = (
        select(func.count())
        .select_from(Lock)
        .join(StepRun, StepRun.token == Lock.token)
        .where(Lock.name == name, StepRun.state == StepState.RUNNING, StepRun.lease_until >= now())
    )
    return max(total, 1) - (connection.scalar(holders) or 0)


def drop(connection: Connection, names: Sequence[str]) -> None:
    """Forget locks that nobody will want again, such as the cap of a run that ended."""
    connection.execute(delete(Lock).where(Lock.name.in_(names), Lock.token.is_(None)))


def held(engine: Engine) -> list[HeldLock]:
    """All taken slots, in the order of their names."""
    query = (
        select(
            Lock.name,
            Lock.slot,
            Lock.run_id,
            Lock.asset,
            Lock.step,
            Lock.what,
            func.coalesce(StepRun.worker, "").label("worker"),
            func.coalesce(Lock.taken_at, 0.0).label("taken_at"),
            StepRun.lease_until,
            (func.coalesce(StepRun.lease_until, 0.0) < now()).label("expired"),
        )
        .outerjoin(StepRun, StepRun.token == Lock.token)
        .where(Lock.token.is_not(None))
        .order_by(Lock.name, Lock.slot)
    )
    with reading(engine) as connection:
        return [HeldLock(**row) for row in connection.execute(query).mappings()]


def _make_slots(connection: Connection, wants: Sequence[Want]) -> None:
    counted = (
        select(Lock.name, func.count())
        .where(Lock.name.in_([want.name for want in wants]))
        .group_by(Lock.name)
    )
    known = {row[0]: row[1] for row in connection.execute(counted)}
    missing = [
        {"name": want.name, "slot": slot}
        for want in sorted(wants, key=lambda want: want.name)
        for slot in range(known.get(want.name, 0), max(want.capacity, 1))
    ]
    if missing:
        engine = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(engine.insert(Lock).on_conflict_do_nothing(), missing)


def _locked_slots(connection: Connection, wants: Sequence[Want]) -> dict[str, list[_Slot]]:
    slots: dict[str, list[_Slot]] = {want.name: [] for want in wants}
    query = (
        select(Lock.name, Lock.slot, Lock.token, Lock.asset, Lock.run_id)
        .where(Lock.name.in_(list(slots)))
        .order_by(Lock.name, Lock.slot)
        .with_for_update()
    )
    for row in connection.execute(query):
        slots[row.name].append(_Slot(row.slot, row.token, row.asset, row.run_id))
    return slots


def _free_slot(connection: Connection, want: Want, slots: list[_Slot]) -> int | Busy:
    busy = [slot for slot in slots if slot.token is not None]
    free = [slot for slot in slots if slot.token is None]
    if len(busy) >= want.capacity:
        abandoned = [slot for slot in busy if _abandoned(connection, slot)]
        free += abandoned
        busy = [slot for slot in busy if slot not in abandoned]
    if len(busy) >= want.capacity:
        return Busy(name=want.name, reason=_reason(want, busy))
    return free[0].slot


def _abandoned(connection: Connection, slot: _Slot) -> bool:
    """Whether the holder's lease is over; its claim is then fenced off in this transaction."""
    assert slot.token is not None
    running = StepRun.token == slot.token, StepRun.state == StepState.RUNNING
    if connection.scalar(select(StepRun.id).where(*running)) is None:
        return True
    expired = (
        select(StepRun.id)
        .where(*running, StepRun.lease_until < now())
        .with_for_update(skip_locked=True)  # its holder may be ending it this moment
    )
    fenced = connection.execute(
        update(StepRun)
        .where(StepRun.id == expired.scalar_subquery())
        .values(token=-slot.token, reason="its lease ran out and another step took its lock")
    )
    return fenced.rowcount == 1


def _reason(want: Want, busy: Sequence[_Slot]) -> str:
    holders = ", ".join(sorted({slot.asset for slot in busy})[:3])
    if want.capacity == 1 and not want.name.startswith("run:"):
        return f"waits for the lock on {want.what or want.name} ({holders})"
    what = want.what or ("this run" if want.name.startswith("run:") else want.name)
    place = "the only place" if want.capacity == 1 else f"one of the {want.capacity} places"
    return f"waits for {place} of {what} ({holders})"
