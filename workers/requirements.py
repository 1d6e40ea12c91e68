"""What a requirements.txt asks for: its text, the files it includes, its digest.

Used by workers.resolver; workers.projects reads pyproject.toml. uv does the understanding; here we
only have to notice every change.
"""

import codecs
import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workers.errors import StepFailed

INCLUDE = re.compile(r"^(?:-r|-c|--requirement|--constraint)[\s=]*(\S.*)$")
OPTION = re.compile(
    r"^(?:-i|-f|--index-url|--extra-index-url|--find-links|--no-index|--pre|--only-binary|--no-binary)"
    r"(?:[\s=]|$)"
)
LOCAL = re.compile(r"^(?:(?:-e|--editable)[\s=]+)?(?:[\w.\-\[\],]+\s*@\s*)?(file:\S+|[./~]\S*)")
MAX_DEPTH = 20
MAX_LOCAL_FILES = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The packages that an asset asks for. `digest` changes when the wish does.

    `options` are the lines that name indexes, as written; they may hold a password, so they are
    never stored. `local` says that folders of this host may be among the packages; `packaged` that
    a pyproject.toml's own project is one, `lock` is its uv.lock.
    """

    kind: Literal["none", "requirements", "pyproject"] = "none"
    file: Path | None = None
    digest: str = ""
    options: tuple[str, ...] = ()
    local: bool = False
    packaged: bool = False
    lock: Path | None = None

    @property
    def folder(self) -> Path | None:
        """Where relative paths in the file start."""
        return self.file.parent if self.file else None


NOTHING = Needs()


def of_file(file: Path) -> Needs:
    """What a requirements.txt and all that it includes ask for."""
    lines = list(_lines(file, 0))
    local = [line for line in lines if LOCAL.match(line)]
    parts = [*lines, *(part for line in local for part in local_state(line, file.parent))]
    return Needs(
        kind="requirements",
        file=file,
        digest=digest([*parts, str(file.parent) if local else ""]),
        options=tuple(line for line in lines if OPTION.match(line)),
        local=bool(local),
    )


def named(file: Path) -> list[str]:
    """The packages that a requirements.txt and all that it includes name, as written."""
    return [line for line in _lines(file, 0) if not line.startswith("-")]


def _lines(file: Path, depth: int) -> Iterator[str]:
    """Every line that counts, those of included files in their place."""
    if depth > MAX_DEPTH:
        raise StepFailed("env", f"{file.name} includes itself, or files too deep")
    for line in read(file).replace("\\\n", " ").splitlines():
        bare = re.sub(r"(^|\s)#.*$", "", line).strip()
        if bare:
            yield bare
        included = INCLUDE.match(bare)
        if included and "://" not in included[1]:
            yield from _lines(file.parent / included[1].strip("\"'"), depth + 1)


def read(file: Path) -> str:
    """The text of a file, UTF-16 with its mark too, as uv reads it; StepFailed names it else."""
    try:
        content = file.read_bytes()
        wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return content.decode("utf-16" if wide else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise StepFailed("env", f"{file} cannot be read: {reason}") from error


def local_state(line: str, base: Path, path: str = "") -> Iterator[str]:
    """The state of a local package, so that the environment follows when its files change."""
    found = LOCAL.match(line)
    path = path or (found[1] if found else "")
    target = base / Path(path.removeprefix("file://").removeprefix("file:"))
    if line.startswith(("-e", "--editable")):
        target = target / "pyproject.toml"
    files = [target] if target.is_file() else _files(target)
    for file in files[:MAX_LOCAL_FILES]:
        inside = file.relative_to(target).parts
        if file.is_file() and not any(p.startswith((".", "__pycache__")) for p in inside):
            with contextlib.suppress(FileNotFoundError):
                stat = file.stat()
                yield f"{os.fspath(file)} {stat.st_size} {stat.st_mtime_ns}"


def _files(folder: Path) -> list[Path]:
    """All below a folder, into which a build may write and from which it may remove meanwhile."""
    return sorted(Path(place, name) for place, _, names in os.walk(folder) for name in names)


def digest(parts: list[str]) -> str:
    """One text that changes when any of the parts does."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
