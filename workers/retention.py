"""Removes the logs of runs that ended long ago. A worker's heart calls it each hour.

The catalog keeps what the run was, and that its logs are gone.
"""

import contextlib
import shutil
from collections.abc import Sequence

from workers import storage
from workers.stores import Store


def remove(store: Store, run_ids: Sequence[str]) -> None:
    """Remove the logs of these runs; raises StorageError."""
    for run_id in run_ids:
        folder = f"logs/{storage.file_name(run_id)}"
        for entry in list(store.list(folder)):
            store.delete(entry.name)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(storage.inside(store.folder, folder))
