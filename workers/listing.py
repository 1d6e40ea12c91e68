"""What a bundle holds, file by file: its digest names the content, whoever packed it and when.

Used where bundles are made (workers.bundles) and before one is used (workers.bundle_cache).
"""

import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workers.project_files import ProjectFile

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One file with its content, or one link with where it leads."""

    path: str
    executable: bool = False
    bytes: int = 0
    sha256: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """The items of a bundle, by name."""

    items: tuple[Item, ...]

    @property
    def bytes(self) -> int:
        """Of all files together."""
        return sum(item.bytes for item in self.items)

    @property
    def digest(self) -> str:
        """SHA-256 of the listing, in hex."""
        state = hashlib.sha256(b"fleet bundle 1\0")
        for item in self.items:
            facts = f"{item.executable:d} {item.bytes} {item.sha256}"
            for part in (item.path, facts, item.target):
                state.update(os.fsencode(part) + b"\0")
        return state.hexdigest()


def of_files(root: Path, files: Iterable[ProjectFile]) -> Listing:
    """The listing of a project's files as they are now. Raises OSError."""
    return Listing(tuple(_item(root, file) for file in files))


def of_folder(folder: Path) -> Listing:
    """The listing of everything in a folder, such as an unpacked bundle. Raises OSError."""
    found: list[ProjectFile] = []
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in [*names, *links]:
            found.append(_found(folder, Path(place, name)))
    return of_files(folder, sorted(found, key=lambda file: os.fsencode(file.path)))


def _found(folder: Path, path: Path) -> ProjectFile:
    name = path.relative_to(folder).as_posix()
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return ProjectFile(path=name, target=str(path.readlink()))
    if not stat.S_ISREG(mode):
        raise OSError(f"{name} is neither a file nor a link")
    return ProjectFile(path=name, executable=bool(mode & stat.S_IXUSR))


def _item(root: Path, file: ProjectFile) -> Item:
    if file.target:
        return Item(path=file.path, target=file.target)
    state, size = hashlib.sha256(), 0
    with (root / file.path).open("rb") as source:
        while chunk := source.read(_CHUNK):
            state.update(chunk)
            size += len(chunk)
    return Item(path=file.path, executable=file.executable, bytes=size, sha256=state.hexdigest())
