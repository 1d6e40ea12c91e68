"""The files of a run as its assets see them: a private copy of its bundle, gone after the run.

workers.attempt holds one while a step works; the heart sweeps. A run without a bundle works in the
project itself, and nothing here touches that.
"""

import contextlib
import logging
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Engine

from catalog import bundles
from workers import storage, stores
from workers.errors import StepFailed
from workers.locked_files import try_lock
from workers.settings import Settings

logger = logging.getLogger(__name__)

_LOCKS = ".locks"
_HALF = ".copying-"
_LOOK = 0.1  # seconds between two looks whether the copy is made
_LEFT = 3600.0  # seconds after which what a killed process left half-made is deleted


def path(settings: Settings, run_id: str) -> Path:
    """Where the copy of a run is, or will be."""
    return settings.work / storage.file_name(run_id)


@contextlib.contextmanager
def using(
    settings: Settings,
    engine: Engine,
    run_id: str,
    bundle: str,
    stopped: Callable[[], object] = lambda: None,
) -> Iterator[None]:
    """Have the copy of a run's bundle, made if it is not there, while a step works in it.

    StepFailed if it cannot be made. Nothing to do without a bundle.
    """
    if not bundle:
        yield
        return
    folder = path(settings, run_id)
    with _lock(settings, run_id) as descriptor:
        _wait(descriptor, stopped, alone=False)
        while not folder.exists():  # one makes it; all steps of the run share it
            _wait(descriptor, stopped, alone=True)
            if not folder.exists():
                from workers.bundle_cache import BundleCache  # noqa: PLC0415 - few runs have one

                with BundleCache(settings, engine).using(bundle, stopped) as tree:
                    _copy(tree, folder)
            _wait(descriptor, stopped, alone=False)
        yield


def _wait(descriptor: int, stopped: Callable[[], object], *, alone: bool) -> None:
    """For another process of this host that is making the same copy, or deletes it."""
    while not try_lock(descriptor, shared=not alone):
        if reason := stopped():
            raise StepFailed("cancelled", f"it was stopped: {reason}")
        time.sleep(_LOOK)


def _copy(tree: Path, folder: Path) -> None:
    """Whole or not at all; no file of it is the cache's own, also not by a hard link."""
    aside = folder.with_name(f"{_HALF}{folder.name}-{uuid.uuid4().hex[:6]}")
    try:
        shutil.copytree(tree, aside, symlinks=True)
        aside.chmod(0o700)
        aside.rename(folder)
    except (OSError, shutil.Error) as error:
        message = f"no working copy can be made in {folder.parent}: {error}"
        raise StepFailed("env", message, hint="is this host's disk full?") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def sweep(settings: Settings, engine: Engine) -> list[str]:
    """Delete what belongs to runs that are over; the names."""
    return remove(settings, over(settings, engine))


def over(settings: Settings, engine: Engine) -> list[Path]:
    """Folders of this host that belong to runs that are over: copies, and fetched files."""
    folders = [settings.work]
    if "://" in settings.storage:
        folders += [settings.storage_path / "logs", settings.storage_path / "runs"]
    return [folder / name for folder in folders for name in _over(engine, folder)]


def remove(settings: Settings, folders: list[Path]) -> list[str]:
    """Delete them, but where a step still works; logs that a killed worker left are stored first.

    The names of those that are gone. Raises StorageError.
    """
    logs = settings.storage_path / "logs"
    for folder in folders:
        if folder.parent == logs:
            store = stores.of(settings)
            for log in folder.glob("*.log"):
                store.keep(storage.relative(store.folder, log))
    return [folder.name for folder in folders if _remove(settings, folder)]


def _over(engine: Engine, folder: Path) -> list[str]:
    """The names in a folder that are of no open run."""
    try:
        found = list(os.scandir(folder))
    except FileNotFoundError:
        return []
    names = {entry.name for entry in found if entry.name != _LOCKS and _settled(entry)}
    return sorted(names - bundles.open_runs(engine, names)) if names else []


def _settled(entry: "os.DirEntry[str]") -> bool:
    """Not what a process is just making."""
    with contextlib.suppress(FileNotFoundError):
        return not entry.name.startswith(".") or time.time() - entry.stat().st_mtime > _LEFT
    return False


def _remove(settings: Settings, folder: Path) -> bool:
    """Unless a step of this host still works in it."""
    with _lock(settings, folder.name) as descriptor:
        if not try_lock(descriptor):
            return False
        shutil.rmtree(folder, ignore_errors=True)
        (settings.work / _LOCKS / storage.file_name(folder.name)).unlink(missing_ok=True)
    return not folder.exists()


@contextlib.contextmanager
def _lock(settings: Settings, run_id: str) -> Iterator[int]:
    locks = settings.work / _LOCKS
    locks.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(locks / storage.file_name(run_id), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
