"""Unpacks the archive of a bundle, trusting nothing in it. Called by workers.bundle_cache.

Only regular files and links that stay inside; links are made last, so that nothing is written
through one, and are then followed to see where they really lead.
"""

import gzip
import os
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.SYMTYPE)
_HEADERS = 8192  # bytes that a file may add to the archive beside its content
_ROOM = 1 << 20
_CHUNK = 1 << 20


class BadArchive(Exception):
    """The archive is not what a bundle may be; the text names the entry."""


def unpack(archive: Path, folder: Path, *, files: int, content_bytes: int) -> None:
    """Fill an empty folder with at most so many files and bytes. Raises BadArchive, OSError."""
    most = content_bytes + files * _HEADERS + _ROOM
    try:
        with gzip.open(archive, "rb") as stream:
            source = cast("IO[bytes]", _Bounded(stream, most))
            with tarfile.open(fileobj=source, mode="r|") as tar:
                links = _fill(tar, folder, files, content_bytes)
    except (
        tarfile.TarError,
        zlib.error,
        EOFError,
        gzip.BadGzipFile,
        ValueError,
        OverflowError,
    ) as error:
        raise BadArchive(f"it cannot be read: {error}") from error
    _link(folder, links)


def _fill(
    tar: tarfile.TarFile, folder: Path, files: int, content_bytes: int
) -> list[tarfile.TarInfo]:
    """Write the files; the links, which are to be made when no more is written."""
    links: list[tarfile.TarInfo] = []
    left = content_bytes
    for number, member in enumerate(tar, 1):
        if number > files:
            raise BadArchive(f"it has more than {files} files")
        if member.type not in _PLAIN or member.issparse():
            raise BadArchive(f"{member.name} is neither a plain file nor a link")
        path = _place(folder, member.name)
        left -= member.size
        if left < 0:
            raise BadArchive(f"{member.name} makes it larger than {content_bytes} bytes")
        if member.issym():
            links.append(member)
        else:
            _write(tar, member, path)
    return links


def _place(folder: Path, name: str) -> Path:
    pure = PurePosixPath(name)
    bad = pure.is_absolute() or ".." in pure.parts or not pure.parts or "\0" in name
    if bad or pure.as_posix() != name:
        raise BadArchive(f"{name!r} is no path inside of it")
    return folder.joinpath(*pure.parts)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o755 if member.mode & 0o100 else 0o644
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        handle = os.open(path, flags, mode)
    except FileExistsError:
        raise BadArchive(f"{member.name} is in it twice") from None
    source: Any = tar.extractfile(member)
    with os.fdopen(handle, "wb") as target:
        os.fchmod(handle, mode)
        while chunk := source.read(_CHUNK):
            target.write(chunk)
    os.utime(path, (member.mtime, member.mtime))


def _link(folder: Path, links: list[tarfile.TarInfo]) -> None:
    for member in links:
        path = _place(folder, member.name)
        if any(one.is_symlink() for one in path.parents if one != folder):
            raise BadArchive(f"{member.name} lies behind a link")
        path.parent.mkdir(parents=True, exist_ok=True)
        goal = os.path.normpath(path.parent / member.linkname)
        if member.linkname.startswith("/") or not Path(goal).is_relative_to(folder):
            raise BadArchive(f"the link {member.name} leads out of it")
        try:
            path.symlink_to(member.linkname)
        except FileExistsError:
            raise BadArchive(f"{member.name} is in it twice") from None
    for member in links:  # through several links the way may be another than it is written
        try:
            inside = (folder / member.name).resolve().is_relative_to(folder.resolve())
        except (OSError, RuntimeError):
            inside = False
        if not inside:
            raise BadArchive(f"the link {member.name} leads out of it")


class _Bounded:
    """A stream that ends in an error beyond so many bytes, however small it was packed."""

    def __init__(self, stream: gzip.GzipFile, most: int) -> None:
        self._stream = stream
        self._left = most

    def read(self, size: int) -> bytes:
        """At most what is allowed."""
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise BadArchive("it is larger than it says")
        return data
