"""The project as workers on other hosts receive it: a content-addressed archive on storage.

The dispatcher makes a Bundle of a project and ships it before it records the run; workers unpack it
(workers.bundle_cache). Collection is here too: the heart's tidying uses it.
"""

import gzip
import hashlib
import io
import tarfile
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from sqlalchemy import Engine

from catalog import bundles
from catalog.bundles import Stored
from workers import listing, project_files, storage
from workers.listing import Item, Listing
from workers.project_files import BundleRefused
from workers.settings import Settings
from workers.stores import StorageError, Store

FOLDER = "bundles"  # in storage
#: Time of all files: no zip refuses it, and the same content is the same archive.
MOMENT = 1_577_836_800  # 2020-01-01
GRACE = 86_400.0  # seconds that a bundle is kept after it was asked for last
_LEVEL = 3  # of gzip: text shrinks nearly as much as at 9, in a third of the time
_TRIES = 3  # a project may change while it is packed
_CLOCKS = 3600.0  # seconds by which those of hosts and storage may differ, and an upload may take
_BIGGEST = 5  # files that are named where a bundle is too large


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A project's files as they were when the digest was taken."""

    root: Path
    listing: Listing

    @property
    def digest(self) -> str:
        """Names the content."""
        return self.listing.digest

    def __contains__(self, path: str) -> bool:
        return any(item.path == path for item in self.listing.items)


def of_project(root: Path, settings: Settings) -> Bundle:
    """What workers elsewhere will see of the project. Raises BundleRefused."""
    root, left = root.resolve(), _TRIES
    while True:
        left -= 1
        try:
            return _of_project(root, settings)
        except OSError as error:
            gone = isinstance(error, FileNotFoundError)  # as an editor's file, while we look at it
            if not (gone and left):
                why = f"cannot read {error.filename}: {error.strerror}"
                raise BundleRefused(why) from error


def _of_project(root: Path, settings: Settings) -> Bundle:
    apart = (settings.home, settings.storage_path)
    files = project_files.find(root, settings.bundle_include, apart)
    _stop_at_size(root, files, settings.bundle_max_bytes)
    return Bundle(root=root, listing=listing.of_files(root, files))


def _stop_at_size(root: Path, files: list[project_files.ProjectFile], most: int) -> None:
    sizes = {file.path: (root / file.path).lstat().st_size for file in files if not file.target}
    total = sum(sizes.values())
    if total <= most:
        return
    biggest = sorted(sizes, key=lambda name: -sizes[name])[:_BIGGEST]
    named = ", ".join(f"{name} ({_megabytes(sizes[name])})" for name in biggest)
    raise BundleRefused(
        f"the project has {_megabytes(total)} of files, a bundle may have {_megabytes(most)}; "
        f"the biggest: {named}",
        hint="let git ignore what assets do not need, or raise bundle_max_bytes",
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def ship(engine: Engine, store: Store, bundle: Bundle) -> Stored:
    """Store the bundle unless it is there. Raises BundleRefused, StorageError.

    What is noted is kept for the grace from the asking on, so that it cannot go between the look
    and the record of the run.
    """
    for _ in range(_TRIES):
        noted = bundles.ask(engine, bundle.digest)
        if noted and store.size(noted.path) == noted.bytes:
            return noted
        made = _store(store, bundle)
        if bundles.add(engine, made, instead_of=noted.path if noted else ""):
            return made
        store.delete(made.path)  # somebody else stored the same content meanwhile
    raise BundleRefused("the bundle could not be stored: others store and remove it", hint="again")


def _store(store: Store, bundle: Bundle) -> Stored:
    name = f"{FOLDER}/{bundle.digest}.{uuid.uuid4().hex[:8]}.tar.gz"
    folder = storage.inside(store.folder, name).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".packing-", dir=folder) as place:
            archive = Path(place) / "bundle.tar.gz"
            with archive.open("wb") as file:
                pack(bundle, file)
            size, digest = archive.stat().st_size, storage.digest(archive)
            store.publish(archive, name)
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(store.words, error) from error
    return Stored(
        digest=bundle.digest,
        path=name,
        bytes=size,
        archive=digest,
        files=len(bundle.listing.items),
        content_bytes=bundle.listing.bytes,
    )


def pack(bundle: Bundle, file: BinaryIO) -> None:
    """Write the archive: the same bytes for the same content. Raises BundleRefused, OSError."""
    with (
        gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for item in bundle.listing.items:
            _add(archive, bundle.root, item)


def _add(archive: tarfile.TarFile, root: Path, item: Item) -> None:
    info = tarfile.TarInfo(item.path)
    info.mtime, info.mode = MOMENT, 0o755 if item.executable else 0o644
    if item.target:
        info.type, info.linkname = tarfile.SYMTYPE, item.target
        archive.addfile(info)
        return
    info.size = item.bytes
    try:
        source = (root / item.path).open("rb")
    except OSError as error:
        raise _changed(item) from error
    with source:
        hashed = _Hashed(source)
        try:
            archive.addfile(info, cast("BinaryIO", hashed))
        except OSError as error:
            if hashed.short(item.bytes):
                raise _changed(item) from error
            raise
    if hashed.state.hexdigest() != item.sha256:
        raise _changed(item)


def _changed(item: Item) -> BundleRefused:
    message = f"{item.path} changed while the project was being bundled"
    return BundleRefused(message, hint="run it again once nothing writes there")


class _Hashed(io.RawIOBase):
    """Reads a file and remembers what it gave."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._given = 0
        self.state = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._given += len(data)
        self.state.update(data)
        return data

    def short(self, size: int) -> bool:
        """Whether it gave less than it should have."""
        return self._given < size


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What the catalog has let go, and what it still needs: paths in storage."""

    gone: tuple[str, ...]
    kept: frozenset[str]


def let_go(engine: Engine, grace: float = GRACE) -> Released:
    """First in the catalog, in one statement that looks at the runs again.

    A path that was let go is never used again, so its file may be removed at any time after.
    """
    gone = tuple(bundles.remove_unused(engine, grace))
    return Released(gone=gone, kept=frozenset(bundles.paths(engine)))


def remove(store: Store, released: Released, grace: float = GRACE) -> list[str]:
    """Then in storage, also what a crash left unnoted, after the same time. Raises StorageError."""
    before = time.time() - max(grace, _CLOCKS)
    old = [entry.name for entry in store.list(FOLDER) if entry.changed < before]
    names = list(dict.fromkeys([*released.gone, *(n for n in old if n not in released.kept)]))
    for name in names:
        store.delete(name)
    return names
