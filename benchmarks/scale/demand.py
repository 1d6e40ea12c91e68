"""What one look of each periodic kind costs, and what many workers ask for in a second."""

from celery import Celery
from sqlalchemy import Engine

from benchmarks.scale.plans import FLEET
from benchmarks.scale.timing import Times
from catalog import claims, details, holders, levels, placing, recover, turns, workers
from catalog.claims import Claim
from workers import contract, reconcile
from workers.settings import Settings

SLOTS = 2  # of each worker
#: Times a second that one worker does each, by default settings; a slot that works looks each
#: second and renews every five.
RATES = {
    "beat alone": 1 / 5,
    "overdue": 1.0,
    "next due": 1.0,
    "turn": 1 / 5,
    "look alone": SLOTS * 4 / 5,
    "renew alone": SLOTS * 1 / 5,
}
RECONCILE = 1 / 5  # times a second that one worker does it for all


def looks(
    engine: Engine, app: Celery, settings: Settings, run_id: str, asset: str, times: Times
) -> None:
    """Each periodic look a few times, at a run that goes on, while nobody else works."""
    version = contract.VERSION
    held = claims.claim(engine, run_id, asset, "script", worker="w0", pid=1, contract=version)
    assert isinstance(held, Claim), held
    for _ in range(5):
        times.take("look alone", lambda: holders.standing(engine, held))
        times.take("renew alone", lambda: claims.renew(engine, held))
        times.take("beat alone", lambda: workers.beat(engine, "w0"))
        times.take("overdue", lambda: recover.overdue(engine, FLEET))
        times.take("next due", lambda: recover.next_due(engine, FLEET))
        times.take("lost", lambda: recover.lost(engine, FLEET))
        times.take("stale", lambda: recover.stale(engine, FLEET))
        times.take("stuck levels", lambda: recover.stuck_levels(engine, FLEET))
        times.take("takers", lambda: placing.takers(engine, FLEET, 20.0))
        times.take("reconcile", lambda: reconcile.run_once(engine, app, settings))
        times.take("turn", lambda: turns.take(engine, "another's", 3600.0))
        times.take("advance", lambda: levels.advance(engine, run_id))
        times.take("status", lambda: details.asset_runs(engine, run_id))


def busy(times: Times, count: int) -> float:
    """Seconds of work in a second that so many workers ask of the catalog, all slots at work."""
    each = sum(rate * times.mean(name) for name, rate in RATES.items())
    return count * each + RECONCILE * times.mean("reconcile")
