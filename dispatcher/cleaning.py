"""Finds and removes what old runs left: logs, results, environments. Used by `fleet clean`."""

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Engine

from catalog import retention, runs
from dispatcher.problems import FleetError
from workers import storage, stores
from workers.settings import Settings
from workers.stores import Entry, StorageError, Store

LOGS = "log folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that may go."""

    what: str  # log folder, result folder, environment, values file
    path: Path
    bytes: int
    names: tuple[str, ...] = ()  # in a store by URL, whose `path` is the copy of this host


def find(settings: Settings, engine: Engine, age: float, *, envs: bool) -> Iterator[Item]:
    """What is older than `age` seconds and belongs to no run that goes on."""
    before = time.time() - age
    values = list(settings.run_dir.glob("*.env"))  # first: a run is recorded before it has any
    busy = {
        storage.file_name(run.id) for run in runs.recent(engine, 10_000) if run.ended_at is None
    }
    for folder, what in (("logs", LOGS), ("runs", "result folder")):
        if "://" in settings.storage:
            yield from _stored(stores.of(settings), folder, what, busy, before)
            continue
        for path in _entries(settings.storage_path / folder):
            if path.name not in busy and _is_old(path, before):
                yield _item(what, path)
    for path in values:  # of a run that nobody followed to its end
        if path.stem not in busy:
            yield _item("values file", path)
    for path in _entries(settings.envs) if envs else ():
        if path.is_dir() and not path.name.startswith(".") and _is_old(path, before):
            yield _item("environment", path)


def evict(settings: Settings, age: float) -> None:
    """Remove environments that were not used for so long and that nobody uses now."""
    from workers.envs import EnvStore

    EnvStore(replace(settings, env_max_age=age)).evict()


def _stored(store: Store, folder: str, what: str, busy: set[str], before: float) -> Iterator[Item]:
    """What a store by URL has of old runs."""
    runs: dict[str, list[Entry]] = {}
    for entry in store.list(folder):
        runs.setdefault(entry.name.split("/")[1], []).append(entry)
    for run, entries in runs.items():
        if run not in busy and max(entry.changed for entry in entries) < before:
            names = tuple(entry.name for entry in entries)
            total = sum(entry.bytes for entry in entries)
            yield Item(what=what, path=store.folder / folder / run, bytes=total, names=names)


def remove(settings: Settings, item: Item) -> None:
    """Remove it: renamed first, so that nobody finds half of it."""
    if item.names:
        try:
            for name in item.names:
                stores.of(settings).delete(name)
        except StorageError as error:
            raise FleetError(f"cannot remove {item.names[0]}: {error}") from error
        return
    try:
        aside = item.path.rename(item.path.with_name(f".trash-{time.time_ns()}-{item.path.name}"))
        if aside.is_dir():
            shutil.rmtree(aside)
        else:
            aside.unlink()
    except FileNotFoundError:
        return  # somebody else removed it meanwhile
    except OSError as error:
        raise FleetError(f"cannot remove {item.path}: {error.strerror}") from error


def note(engine: Engine, items: Iterable[Item]) -> None:
    """Let the catalog know whose logs are gone."""
    retention.note_removed(engine, [item.path.name for item in items if item.what == LOGS])


def _item(what: str, path: Path) -> Item:
    inside = [Path(place, name) for place, _, names in os.walk(path) for name in names]
    return Item(what=what, path=path, bytes=sum(_size(file) for file in inside or [path]))


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _is_old(path: Path, before: float) -> bool:
    """Whether it is there and was changed last before that time.

    Environments keep their last use in a file's time.
    """
    try:
        inside = path.iterdir() if path.is_dir() else ()
        newest = max([path.stat().st_mtime, *(entry.lstat().st_mtime for entry in inside)])
    except FileNotFoundError:  # somebody else removes it, or something is just made in it
        return False
    return newest < before


def _size(file: Path) -> int:
    try:
        return 0 if file.is_dir() else file.lstat().st_size
    except FileNotFoundError:
        return 0
