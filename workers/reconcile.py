"""Finds what got lost and moves it on: the healer that does not depend on the patient.

The workers' main processes run it on a timer, by turns; the CLI does where no worker beats. Two at
once do no harm: every action is its own compare-and-set in the catalog. One run that cannot be
healed holds up no other.
"""

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from celery import Celery
from kombu.exceptions import OperationalError as BrokerError
from redis import RedisError
from sqlalchemy import Engine

from catalog import recover, turns
from catalog.guarded import AWAY, each
from catalog.values import StepKey
from workers import levels, sending
from workers.routing import EMBEDDED
from workers.settings import Settings

logger = logging.getLogger(__name__)

_TOGETHER = 100  # steps that are looked up with the same few queries

_TURN = 0.9  # of the interval: with timers that are not exact, nobody misses his own next turn

_AWAY = (*AWAY, BrokerError, RedisError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Healed:
    """What one look found, for the worker's log. All zero is the normal case."""

    lost: int = 0
    resent: int = 0
    moved: int = 0
    advanced: int = 0
    stopped: int = 0

    def __bool__(self) -> bool:
        return any((self.lost, self.resent, self.moved, self.advanced, self.stopped))


def in_turn(engine: Engine, app: Celery, settings: Settings, *, bury: bool, sends: bool) -> Healed:
    """`run_once` for the whole fleet, if no other worker did so within the interval.

    Who can do only a part of it does that and leaves the turn to others, as does one that fails.
    """
    if not (bury and sends) or settings.fleet.startswith(EMBEDDED):
        return run_once(engine, app, settings, bury=bury, sends=sends)
    turn = f"reconcile:{settings.fleet}"
    if not turns.take(engine, turn, settings.reconcile_every * _TURN):
        return Healed()
    try:
        return run_once(engine, app, settings)
    except Exception:
        with contextlib.suppress(*AWAY):
            turns.give_back(engine, turn)
        raise


def run_once(
    engine: Engine, app: Celery, settings: Settings, *, bury: bool = True, sends: bool = True
) -> Healed:
    """One look at the runs of the fleet. Raises what the catalog or the broker raises when away.

    Without `bury` nobody is declared lost: after an outage of the catalog all leases are over.
    Without `sends` only that is done which needs no broker.
    """
    fleet = settings.fleet
    stopped = len(recover.overdue(engine, fleet))
    lost = recover.lost(engine, fleet, losses_allowed=settings.losses_allowed) if bury else []
    for item in lost:
        logger.warning("lost: %s %s of run %s: %s", item.asset, item.step, item.run_id, item.reason)
    stopped += len(recover.finish_cancelled(engine, fleet))
    if not sends:
        return Healed(lost=len(lost), stopped=stopped)
    wake = [key for item in lost for key in item.ended.wake]
    # the lost that may run again are among these
    stale = recover.stale(engine, fleet, lease=settings.lease)
    send(engine, app, [*wake, *stale])
    moved = sending.look(engine, app, fleet)
    stuck = recover.stuck_levels(engine, fleet)
    advanced = each(stuck, lambda run_id: levels.advance(engine, app, run_id), away=_AWAY)
    return Healed(
        lost=len(lost), resent=len(stale), moved=moved, advanced=len(advanced), stopped=stopped
    )


def send(engine: Engine, app: Celery, keys: Sequence[StepKey]) -> None:
    """Send these steps, those of a broken run aside; the catalog is asked for many at a time."""
    for start in range(0, len(keys), _TOGETHER):
        some = keys[start : start + _TOGETHER]
        if not each([some], lambda batch: levels.send_steps(engine, app, batch), away=_AWAY):
            each(some, lambda key: levels.send_steps(engine, app, [key]), away=_AWAY)
