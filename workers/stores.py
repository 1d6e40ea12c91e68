"""Where a fleet's files are: a folder that all hosts see, or an object store by URL.

`of(settings)` is asked by the steps, the live log, bundles and the CLI. Names in it are those that
workers.storage makes. Standard library only: the store by URL is workers.remote_store.
"""

import errno
import functools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from workers import storage
from workers.settings import Settings

PATIENCE = 60.0  # seconds that a file may be hidden from another host, as NFS caches attributes
_CHUNK = 1 << 20
LOOK = 0.25  # seconds between two looks for a file that is hidden yet
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class StorageError(OSError):
    """Storage cannot be used; the text names it and says what it said. Holds no secret."""

    def __init__(self, where: str, error: object) -> None:
        number = getattr(error, "errno", None)
        said = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        said = error if isinstance(error, str) else said
        text = f"storage {where} is full" if number in FULL else f"storage {where}"
        super().__init__(number or errno.EIO, f"{text}: {str(said).splitlines()[0]}")

    def __str__(self) -> str:
        return str(self.strerror)


class Gone(StorageError):
    """There is no such file, or not any more."""


class Changed(StorageError):
    """The file is another one than the one that was recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One stored file; `changed` is in seconds since 1970 by the clock of storage."""

    name: str
    bytes: int
    changed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A stored file as the catalog remembers it."""

    name: str
    bytes: int
    digest: str


class Store(Protocol):
    """Where the fleet's files are. Names are relative, with forward slashes.

    `words` names it for people, `folder` is where this host writes and reads the files: storage
    itself, or copies of it. All methods raise StorageError.
    """

    words: str
    folder: Path

    def publish(self, aside: Path, name: str) -> Path:
        """Move a complete file of this host to its place; its path here."""

    def keep(self, name: str) -> None:
        """Store what this host has appended to the file `name` in its folder."""

    def fetch(
        self, file: Recorded, patience: float = 0.0, stopped: Callable[[], object] = lambda: None
    ) -> Path:
        """The file's path here once size and digest are right. Raises Gone, Changed.

        It waits up to `patience` seconds for a file that another host has just written.
        """

    def size(self, name: str) -> int | None:
        """Bytes of the stored file; None if there is none."""

    def read(self, name: str, offset: int, most: int) -> bytes:
        """A part of the stored file. Raises Gone."""

    def create(self, name: str) -> bool:
        """Store an empty file; False if there was one of this name."""

    def delete(self, name: str) -> None:
        """Remove the file, here and there, if it is there."""

    def list(self, folder: str) -> Iterator[Entry]:
        """All files below a folder."""


class Folder:
    """Storage that is a folder which all hosts see, or a folder of the only host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.words = str(folder)

    def publish(self, aside: Path, name: str) -> Path:
        """Rename it into place."""
        path = storage.inside(self.folder, name)
        with self._said():
            path.parent.mkdir(parents=True, exist_ok=True)
            if aside.stat().st_dev != path.parent.stat().st_dev:
                return self._copied(aside, path)
            storage.publish(aside, path)
        return path

    @staticmethod
    def _copied(made: Path, path: Path) -> Path:
        with (
            storage.write_aside(path) as aside,
            made.open("rb") as source,
            aside.open("wb") as target,
        ):
            while chunk := source.read(_CHUNK):
                target.write(chunk)
        made.unlink()
        return path

    def keep(self, name: str) -> None:
        """It was written here."""

    def fetch(
        self, file: Recorded, patience: float = 0.0, stopped: Callable[[], object] = lambda: None
    ) -> Path:
        """The file itself."""
        path, until = storage.inside(self.folder, file.name), time.monotonic() + patience
        while True:
            try:
                return verified(self.words, path, file)
            except (Gone, Changed):
                if time.monotonic() >= until or stopped():
                    raise
                time.sleep(LOOK)

    def size(self, name: str) -> int | None:
        """As the file system says."""
        with self._said():
            try:
                return storage.inside(self.folder, name).stat().st_size
            except FileNotFoundError:
                return None

    def read(self, name: str, offset: int, most: int) -> bytes:
        """As it is now."""
        with self._said(), storage.inside(self.folder, name).open("rb") as file:
            file.seek(offset)
            return file.read(most)

    def create(self, name: str) -> bool:
        """Exclusive, also on NFS."""
        path = storage.inside(self.folder, name)
        with self._said():
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.touch(exist_ok=False)
            except FileExistsError:
                return False
        return True

    def delete(self, name: str) -> None:
        """At once; a retried removal on NFS finds nothing."""
        with self._said():
            storage.inside(self.folder, name).unlink(missing_ok=True)

    def list(self, folder: str) -> Iterator[Entry]:
        """Regular files only."""
        walked = os.walk(storage.inside(self.folder, folder), onerror=_unless_gone)
        for path in sorted(Path(place, name) for place, _, names in walked for name in names):
            try:
                found = path.lstat()
            except FileNotFoundError:
                continue  # removed meanwhile
            name = storage.relative(self.folder, path)
            yield Entry(name=name, bytes=found.st_size, changed=found.st_mtime)

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except StorageError:
            raise
        except FileNotFoundError as error:
            raise Gone(self.words, error) from error
        except OSError as error:
            raise StorageError(self.words, error) from error


def _unless_gone(error: OSError) -> None:
    """A folder may be removed while it is looked through."""
    if not isinstance(error, FileNotFoundError | PermissionError):
        raise error


def of(settings: Settings) -> Store:
    """The storage that the settings name."""
    if "://" not in settings.storage:
        return Folder(settings.storage_path)
    return _remote(settings, os.getpid())


@functools.lru_cache(maxsize=4)
def _remote(settings: Settings, pid: int) -> Store:
    from workers.remote_store import Remote  # noqa: PLC0415 - folders need no fsspec

    return Remote(settings.storage, settings.storage_options, settings.storage_path)


def foresee(settings: Settings) -> None:
    """Import what storage needs, for processes that are forked from this one; nothing is opened."""
    if "://" in settings.storage:
        from workers import remote_store  # noqa: PLC0415 - folders need no fsspec

        remote_store.foresee(settings.storage)


def patience(settings: Settings) -> float:
    """Seconds that a file may take to be seen: none where storage is this host's own."""
    return PATIENCE if settings.storage else 0.0


def verified(where: str, path: Path, file: Recorded) -> Path:
    """`path` if its size and digest are the recorded ones. Raises Gone, Changed."""
    try:
        size = path.stat().st_size
        if size == file.bytes and storage.digest(path) == file.digest:
            return path
    except OSError as error:
        raise Gone(where, error) from error
    said = f"{file.bytes} bytes of {file.digest[:14]} were recorded, the file has {size} bytes"
    raise Changed(where, said)
