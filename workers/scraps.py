"""What attempts that came to nothing left on storage: results half written, or that nobody reads.

The heart has it removed once an hour. Files of runs that this catalog does not know are left alone:
another fleet may share the storage.
"""

import contextlib
import os
import time
from pathlib import Path

from catalog.artifacts import Abandoned
from workers import storage, stores
from workers.settings import Settings
from workers.stores import Folder, Store

GRACE = 3600.0
"""Seconds after the end of a run, and after a file's last change, in which nothing is removed: a
worker that was cut off may write for a lease, and clocks differ."""

WITHIN = 14 * 86_400.0
"""Seconds after the end of a run in which its scraps are looked for; `fleet clean` is for older."""


def remove(settings: Settings, found: Abandoned, *, shared: bool) -> list[str]:
    """Remove them, also this host's own copies; the names. Raises StorageError.

    Without `shared` another host looks through what all share.
    """
    store, own = stores.of(settings), Folder(settings.storage_path)
    places: list[Store] = [store] if shared else []
    if not isinstance(store, Folder):
        places.append(own)
    return [
        name for place in places for run in sorted(found.runs) for name in _of(place, run, found)
    ]


def _of(place: Store, run_id: str, found: Abandoned) -> list[str]:
    folder = storage.data_folder(run_id)
    before = time.time() - GRACE
    entries = place.list(folder)
    old = [e.name for e in entries if e.changed < before and e.name not in found.kept]
    for name in old:
        place.delete(name)
    if isinstance(place, Folder):
        _without_empty(storage.inside(place.folder, folder))
    return old


def _without_empty(folder: Path) -> None:
    """Remove folders of which nothing is left, deepest first."""
    for place, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):  # it is not empty, or it is not there any more
            os.rmdir(place)  # noqa: PTH106 - a text
