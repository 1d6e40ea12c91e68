"""Files that all hosts of a fleet share: where they are, and how they come to be whole.

Every write goes aside first and is renamed when it is complete. Used by the step functions, the
live log and the CLI (which finds logs here); standard library only. What storage is, a folder or
an object store, is for workers.stores to know.
"""

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from workers import crash_points

_NAME_BYTES = 180  # file systems allow 255; step, number and suffix follow the name
_CHUNK = 1 << 20


class OutsideStorageError(ValueError):
    """A path would leave the storage folder."""


def file_name(name: str) -> str:
    """`name` as one harmless path component; different names stay different."""
    safe = quote(name, safe=" ,;=@()[]{}!&'")
    if safe.startswith("."):
        safe = "%2E" + safe[1:]
    if len(safe.encode()) <= _NAME_BYTES:
        return safe
    return safe[: _NAME_BYTES - 20] + "~" + hashlib.sha256(name.encode()).hexdigest()[:16]


def log_name(run_id: str, asset: str, step: str, number: int) -> str:
    """Path of a step's log, relative to storage, with forward slashes."""
    return f"logs/{file_name(run_id)}/{file_name(asset)}.{step}.{number}.log"


def data_name(run_id: str, asset: str, number: int) -> str:
    """Path of an asset's Arrow file, relative to storage; `number` keeps attempts apart."""
    return f"{data_folder(run_id)}/{file_name(asset)}.{number}.arrow"


def data_folder(run_id: str) -> str:
    """Where the Arrow files of a run are, relative to storage."""
    return f"runs/{file_name(run_id)}"


def inside(storage: Path, relative: str) -> Path:
    """`relative` as a path in `storage`; raises OutsideStorageError where it leads elsewhere."""
    pure = PurePosixPath(relative)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts or "\0" in relative:
        raise OutsideStorageError(relative)
    path = storage.joinpath(*pure.parts)
    if not path.resolve().is_relative_to(storage.resolve()):
        raise OutsideStorageError(relative)
    return path


def relative(storage: Path, path: Path) -> str:
    """`path` relative to `storage`, with forward slashes."""
    return path.relative_to(storage).as_posix()


@contextmanager
def write_aside(path: Path) -> Iterator[Path]:
    """A path to write to; at the end it is synced and renamed to `path`, after an error removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name[:_NAME_BYTES]}.{uuid.uuid4().hex[:12]}.part")
    try:
        yield aside
        publish(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def publish(aside: Path, path: Path) -> None:
    """Sync `aside`, rename it to `path`, sync the folder: then the file survives a crash."""
    _sync(aside, os.O_RDONLY)
    crash_points.reach("storage:before-rename")
    try:
        aside.replace(path)
    except FileNotFoundError:  # a rename that NFS tried again says so after it succeeded
        if aside.exists() or not path.exists():
            raise
    crash_points.reach("storage:renamed")
    _sync(path.parent, os.O_RDONLY)


def digest(path: Path) -> str:
    """SHA-256 of the file's bytes, as "sha256:...": what the catalog remembers it by."""
    state = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            state.update(chunk)
    return "sha256:" + state.hexdigest()


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
