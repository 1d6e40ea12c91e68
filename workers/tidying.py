"""Lets go what nobody needs any more: environments, bundles, logs, results. The heart asks hourly.

First the catalog says what may go, in the heart's own thread; then it is removed beside it.
"""

import logging

from sqlalchemy import Engine

from catalog import artifacts, turns
from catalog import retention as logs
from workers import bundles, retention, scraps, stores
from workers.beside import beside
from workers.envs import EnvStore
from workers.settings import Settings

logger = logging.getLogger(__name__)

EVERY = 3600.0
"""Seconds between two looks."""


def tidy(engine: Engine, settings: Settings) -> None:
    """Begin to remove it; warnings in the log say what could not be."""
    envs, storage = EnvStore(settings), stores.of(settings)
    beside("evict", lambda: _evict(envs))
    released = bundles.let_go(engine)
    beside("collect", lambda: bundles.remove(storage, released))
    if old := logs.let_go(engine, settings.fleet, settings.log_max_age):
        beside("retain", lambda: retention.remove(storage, old))
    _scraps(engine, settings)


def _scraps(engine: Engine, settings: Settings) -> None:
    found = artifacts.abandoned(engine, scraps.GRACE, scraps.WITHIN)
    shared = turns.take(engine, f"scraps:{settings.fleet}", EVERY / 2)
    if found.runs:
        beside("scraps", lambda: _removed(scraps.remove(settings, found, shared=shared)))


def _removed(names: list[str]) -> None:
    if names:
        logger.info(
            "removed %d files of attempts that came to nothing: %s, ...", len(names), names[0]
        )


def _evict(store: EnvStore) -> None:
    for key in store.evict():
        logger.info("removed environment %s, which was not used", key)
