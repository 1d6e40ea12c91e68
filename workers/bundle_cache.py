"""Bundles as this host keeps them: fetched, verified, unpacked once, and evicted when they are old.

workers.working_copies copies from here. Only the worker's own user may write: an asset changes its
working copy, never what other runs start from.
"""

import contextlib
import fcntl
import json
import logging
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Engine

from catalog import bundles
from catalog.bundles import Stored
from workers import listing, stores, unpacking
from workers.errors import StepFailed
from workers.locked_files import try_lock
from workers.outages import patiently
from workers.settings import Settings
from workers.stores import Recorded, StorageError
from workers.unpacking import BadArchive

logger = logging.getLogger(__name__)

TREE = "project"
MARKER = "bundle.json"
HALF = ".unpacking-"
TRASH = ".trash-"
_LOOK = 0.1  # seconds between two looks whether another process has unpacked it
_LEFT = 3600.0  # seconds after which what a killed process left half-done is deleted
Stopped = Callable[[], object]


class BundleCache:
    """The bundles of one host."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings = settings
        self._engine = engine
        self._root = settings.bundles

    @contextlib.contextmanager
    def using(self, digest: str, stopped: Stopped = lambda: None) -> Iterator[Path]:
        """The unpacked files, verified now, which nobody evicts inside the block.

        StepFailed if they cannot be had, also where storage has something else under this name.
        """
        while True:
            folder = self._root / digest
            with self._held(digest, stopped):
                if not self._whole(folder, digest):
                    self._fetch(folder, digest, stopped)
            with _shared(folder / MARKER) as held:
                if held:
                    os.utime(folder / MARKER)
                    yield folder / TREE
                    break
        self.evict()

    def evict(self) -> list[str]:
        """Remove bundles beyond the allowed size, least recently used first; never one in use."""
        found, removed = self._by_use(), []
        total = sum(size for _, size in found)
        for folder, size in found:
            if total > self._settings.bundle_cache_bytes and _remove(folder):
                total -= size
                removed.append(folder.name)
        for prefix in (HALF, TRASH):
            for folder in self._root.glob(f"{prefix}*"):
                with contextlib.suppress(FileNotFoundError):
                    if time.time() - folder.stat().st_mtime > _LEFT:
                        shutil.rmtree(folder, ignore_errors=True)
        return removed

    def _whole(self, folder: Path, digest: str) -> bool:
        """Whether it is there and is what its name says, to the last byte."""
        if not (folder / MARKER).exists():
            return False
        try:
            same = listing.of_folder(folder / TREE).digest == digest
        except OSError:
            same = False
        if not same:
            logger.warning("bundle %s was changed on this host; it is fetched anew", digest)
            _remove(folder, broken=True)
        return same

    def _fetch(self, folder: Path, digest: str, stopped: Stopped) -> None:
        stored = patiently(lambda: bundles.get(self._engine, digest), "to find a run's bundle")
        if stored is None:
            hint = "run it again: that stores it anew"
            raise StepFailed("env", f"the run's bundle {digest[:12]} is gone", hint=hint)
        store = stores.of(self._settings)
        recorded = Recorded(name=stored.path, bytes=stored.bytes, digest=stored.archive)
        try:
            archive = store.fetch(recorded, stores.PATIENCE, stopped)
            self._unpack(archive, folder, stored)
        except StorageError as error:
            message = f"the project's files cannot be fetched: {error}"
            raise StepFailed("env", message, hint="see the storage of this worker") from error
        except BadArchive as error:
            message = f"the project's bundle {digest[:12]} is refused: {error}"
            raise StepFailed("env", message, hint=f"look at {stored.path} in storage") from error
        except OSError as error:
            message = f"the project's files cannot be unpacked in {self._root}: {error.strerror}"
            raise StepFailed("env", message, hint="is this host's disk full?") from error
        if store.folder != self._settings.storage_path or "://" in self._settings.storage:
            archive.unlink(missing_ok=True)  # a copy of this host, unpacked by now

    def _unpack(self, archive: Path, folder: Path, stored: Stored) -> None:
        aside = self._root / f"{HALF}{folder.name}-{uuid.uuid4().hex[:6]}"
        tree = aside / TREE
        try:
            tree.mkdir(parents=True)
            limits = {"files": stored.files, "content_bytes": stored.content_bytes}
            unpacking.unpack(archive, tree, **limits)
            if listing.of_folder(tree).digest != stored.digest:
                raise BadArchive("its files are not those that were bundled")
            (aside / MARKER).write_text(json.dumps({"bytes": stored.content_bytes}), "utf-8")
            aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    @contextlib.contextmanager
    def _held(self, digest: str, stopped: Stopped) -> Iterator[None]:
        """One process of this host at a time fetches a bundle."""
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        locks = self._root / ".locks"
        locks.mkdir(exist_ok=True)
        with (locks / digest).open("wb") as file:
            while not try_lock(file.fileno()):
                if stopped():
                    raise StepFailed("cancelled", f"it was stopped: {stopped()}")
                time.sleep(_LOOK)
            yield

    def _by_use(self) -> list[tuple[Path, int]]:
        """With their sizes, least recently used first."""
        found = []
        for marker in self._root.glob(f"*/{MARKER}"):
            with contextlib.suppress(OSError, ValueError, KeyError):
                size = int(json.loads(marker.read_text("utf-8"))["bytes"])
                found.append((marker.stat().st_mtime, marker.parent, size))
        return [(folder, size) for _, folder, size in sorted(found)]


@contextlib.contextmanager
def _shared(marker: Path) -> Iterator[bool]:
    """Hold it against eviction; False if it went in between."""
    try:
        descriptor = os.open(marker, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield marker.exists() and os.fstat(descriptor).st_nlink > 0
    finally:
        os.close(descriptor)


def _remove(folder: Path, *, broken: bool = False) -> bool:
    """Rename it away and delete it, unless somebody uses it and it is not broken anyway.

    False too if another process was faster.
    """
    trash = folder.with_name(f"{TRASH}{folder.name}-{uuid.uuid4().hex[:6]}")
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(FileNotFoundError):
            marker = stack.enter_context((folder / MARKER).open("rb"))
            if not try_lock(marker.fileno()) and not broken:
                return False
        try:
            folder.rename(trash)
        except FileNotFoundError:
            return False
    shutil.rmtree(trash, ignore_errors=True)
    return True
