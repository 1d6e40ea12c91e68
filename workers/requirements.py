"""What a requirements.txt or pyproject.toml asks for: its text, the files it includes, its digest.

Used by workers.resolver. uv does the understanding; here we only have to notice every change.
"""

import hashlib
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

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
    never stored. `local` says that folders of this host are among the packages.
    """

    kind: Literal["none", "requirements", "pyproject"] = "none"
    file: Path | None = None
    digest: str = ""
    options: tuple[str, ...] = ()
    local: bool = False

    @property
    def folder(self) -> Path | None:
        """Where relative paths in the file start."""
        return self.file.parent if self.file else None


NOTHING = Needs()


def of_file(file: Path) -> Needs:
    """What a requirements.txt and all that it includes ask for."""
    lines = list(_lines(file, 0))
    local = [line for line in lines if LOCAL.match(line)]
    parts = [*lines, *(part for line in local for part in _local_state(line, file.parent))]
    return Needs(
        kind="requirements",
        file=file,
        digest=_digest([*parts, str(file.parent) if local else ""]),
        options=tuple(line for line in lines if OPTION.match(line)),
        local=bool(local),
    )


def named(file: Path) -> list[str]:
    """The packages that a requirements.txt and all that it includes name, as written."""
    return [line for line in _lines(file, 0) if not line.startswith("-")]


def of_project(file: Path) -> Needs:
    """What a pyproject.toml asks for, with its uv.lock; nothing if it describes no project."""
    text = _read(file)
    if "project" not in parse_project(file):
        return Needs()
    lock = file.with_name("uv.lock")
    parts = [text, _read(lock) if lock.exists() else "", str(file.parent)]
    return Needs(kind="pyproject", file=file, digest=_digest(parts), local=True)


def parse_project(file: Path) -> dict[str, Any]:
    """The tables of a pyproject.toml; StepFailed if it is not TOML."""
    try:
        return tomllib.loads(_read(file))
    except tomllib.TOMLDecodeError as error:
        raise StepFailed("env", f"{file.name} is not valid TOML: {error}") from error


def _lines(file: Path, depth: int) -> Iterator[str]:
    """Every line that counts, those of included files in their place."""
    if depth > MAX_DEPTH:
        raise StepFailed("env", f"{file.name} includes itself, or files too deep")
    for line in _read(file).replace("\\\n", " ").splitlines():
        bare = re.sub(r"(^|\s)#.*$", "", line).strip()
        if bare:
            yield bare
        included = INCLUDE.match(bare)
        if included and "://" not in included[1]:
            yield from _lines(file.parent / included[1].strip("\"'"), depth + 1)


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise StepFailed("env", f"{file} cannot be read: {reason}") from error


def _local_state(line: str, base: Path) -> Iterator[str]:
    """The state of a local package, so that the environment follows when its files change."""
    found = LOCAL.match(line)
    target = base / Path((found[1] if found else "").removeprefix("file://").removeprefix("file:"))
    if line.startswith(("-e", "--editable")):
        target = target / "pyproject.toml"
    files = [target] if target.is_file() else sorted(target.rglob("*"))
    for file in files[:MAX_LOCAL_FILES]:
        inside = file.relative_to(target).parts
        if file.is_file() and not any(p.startswith((".", "__pycache__")) for p in inside):
            stat = file.stat()
            yield f"{os.fspath(file)} {stat.st_size} {stat.st_mtime_ns}"


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
