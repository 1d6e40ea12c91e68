"""What a worker says of itself in the catalog: queues, slots, Pythons, environments.

workers.heart keeps one. Routing and `fleet workers` read it there. Looking at the disk takes a
while, so it is done once the worker works, each hour, and when an environment came or went.
"""

import os
import platform
from typing import Any

from catalog.workers import WorkerInfo
from workers import contract, env_uses, weights
from workers.settings import Settings

_TOLD = 20  # environments, most recently used first: the row stays small


class Description:
    """One worker's own words, as far as it has looked."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._pythons: tuple[str, ...] = ()
        self._envs: list[dict[str, Any]] = []
        self._seen = 0.0  # when the folder of environments changed last, by its own time

    def worker(self) -> WorkerInfo:
        """The worker as it is known now."""
        from importlib.metadata import version  # noqa: PLC0415 - 30 ms that the first task need not wait

        settings = self._settings
        return WorkerInfo(
            name=self._name,
            fleet=settings.fleet,
            host=settings.host_name,
            pid=os.getpid(),
            version=version("bruin-fleet"),
            contract=contract.VERSION,
            slots=settings.slot_count,
            queues=settings.queues,
            pythons=self._pythons,
            info=self._info(),
        )

    def _info(self) -> dict[str, Any]:
        return {
            "platform": platform.platform(),
            "python": platform.python_version(),
            "python_downloads": self._settings.python_downloads,
            "weights": weights.parsed(self._settings.weights),
            "envs": self._envs,
        }

    def look(self) -> None:
        """Learn which Pythons and environments there are."""
        from workers.pool import Pool  # noqa: PLC0415 - the first task need not wait for it

        newest_first = (found.minor for found in Pool(self._settings).versions())
        self._pythons = tuple(reversed(dict.fromkeys(newest_first)))
        self._look_at_envs()

    def news(self) -> bool:
        """Look again if environments came or went; whether they did. Costs one stat if not."""
        if self._changed() == self._seen:
            return False
        self._look_at_envs()
        return True

    def _look_at_envs(self) -> None:
        self._seen = self._changed()
        self._envs = env_uses.inventory(self._settings.envs)[:_TOLD]

    def _changed(self) -> float:
        try:
            return self._settings.envs.stat().st_mtime
        except FileNotFoundError:
            return 0.0
