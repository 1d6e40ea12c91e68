"""Which files of a project its bundle holds: what git tracks or does not ignore, never a secret.

Called by workers.bundles, on the submitter's host. What is left out always stands in
docs/configuration.md.
"""

import fnmatch
import os
import stat
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from assets_parser import secret_files

#: Left out where git is not there to ask.
USUAL = (
    *(".hg", ".svn", "__pycache__", "*.pyc", ".venv", "venv", "node_modules", ".DS_Store"),
    *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".ipynb_checkpoints"),
)
_PRIVATE = b"PRIVATE KEY-----"
_SECONDS = 60
# what a repository's own configuration could run is switched off
_GIT = ("git", "-c", "core.fsmonitor=false", "--no-optional-locks")
_LIST = ("ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", ".")
_NO_REPOSITORY = b"not a git repository"


class BundleRefused(Exception):
    """No bundle can be made of the project as it is; `hint` says what to do."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.hint = hint
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFile:
    """One regular file, or a link to another place in the project (`target`, relative to it)."""

    path: str  # relative to the root, with forward slashes
    executable: bool = False
    target: str = ""


def find(root: Path, include: Sequence[str], apart: Iterable[Path] = ()) -> list[ProjectFile]:
    """The files, by name; folders of `apart` (the fleet's own) are left out. Raises BundleRefused.

    A link that leads out of the project is refused: other hosts would not find what it means.
    """
    root = root.resolve()
    own = [path.resolve() for path in apart]
    chosen = dict.fromkeys(_listed(root), False) | dict.fromkeys(_added(root, include), True)
    kept = (
        name
        for name, asked in chosen.items()
        if not _refused(root, name, asked=asked)
        and not any((root / name).is_relative_to(folder) for folder in own)
    )
    found = (_file(root, name) for name in sorted(kept, key=os.fsencode))
    return [file for file in found if file is not None]


def _refused(root: Path, name: str, *, asked: bool) -> bool:
    if secret_files.named(PurePosixPath(name).parts, asked=asked):
        return True
    return not asked and name.endswith(".pem") and _is_private(root / name)


def _is_private(file: Path) -> bool:
    try:
        return _PRIVATE in file.read_bytes()[:65_536]
    except OSError:
        return True


def _file(root: Path, name: str) -> ProjectFile | None:
    path = root / name
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None  # tracked, and deleted since
    if stat.S_ISLNK(found.st_mode):
        return ProjectFile(path=name, target=_target(root, path))
    if not stat.S_ISREG(found.st_mode):
        return None
    return ProjectFile(path=name, executable=bool(found.st_mode & stat.S_IXUSR))


def _target(root: Path, link: Path) -> str:
    """Where the link leads, relative to the folder it is in."""
    written = link.readlink()
    goal = Path(os.path.normpath(link.parent.resolve() / written))
    name = link.relative_to(root)
    inside = goal.is_relative_to(root) and _resolved(goal).is_relative_to(root)
    if not inside or not link.parent.resolve().is_relative_to(root):
        raise BundleRefused(
            f"{name} is a link that leads out of the project, to {written}",
            hint="copy what it leads to into the project, or let git ignore the link",
        )
    return os.path.relpath(goal, link.parent.resolve())


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # links in a circle lead nowhere
        return Path("/")


def _listed(root: Path) -> Iterator[str]:
    """What git names, also in repositories inside of this one; all usual files without git."""
    answer = _ask_git(root)
    if answer is None:
        yield from _walked(root)
        return
    for raw in answer:
        name = os.fsdecode(raw).rstrip("/")
        path = root / name
        if path.is_symlink() or not path.is_dir():
            yield name
        elif (path / ".git").exists():  # a submodule that was fetched, or a clone in the project
            yield from (f"{name}/{inner}" for inner in _listed(path))


def _ask_git(root: Path) -> list[bytes] | None:
    """The names; None where there is no repository or no git."""
    environ = dict(os.environ)
    if (root / ".git").exists():  # an empty folder of this name marks a root, and is no repository
        environ["GIT_CEILING_DIRECTORIES"] = str(root.parent)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        environ.pop(name, None)
    argv = [*_GIT, "-C", str(root), *_LIST]
    environ["LC_ALL"] = "C"
    try:
        done = subprocess.run(argv, env=environ, capture_output=True, timeout=_SECONDS, check=False)
    except FileNotFoundError:
        return None
    except subprocess.TimeoutExpired as error:
        raise BundleRefused(f"git took longer than {_SECONDS} s to list {root}") from error
    if done.returncode == 0:
        return [name for name in done.stdout.split(b"\0") if name] or None
    if _NO_REPOSITORY in done.stderr:
        return None
    said = done.stderr.decode(errors="replace").strip().splitlines()
    raise BundleRefused(f"git cannot list {root}: {said[0] if said else done.returncode}")


def _walked(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        folders[:] = sorted(name for name in folders if not _usual(name) and name not in links)
        for name in [*files, *links]:
            if not _usual(name):
                yield Path(folder, name).relative_to(root).as_posix()


def _usual(name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in (*USUAL, ".git"))


def _added(root: Path, include: Sequence[str]) -> Iterator[str]:
    """What the setting bundle_include names: files, folders with all in them, patterns."""
    for pattern in include:
        pure = PurePosixPath(pattern)
        if pure.is_absolute() or ".." in pure.parts:
            raise BundleRefused(
                f"bundle_include: {pattern} is no path in the project",
                hint="name files, folders or patterns relative to the project's root",
            )
        for path in root.glob(pattern):
            inner = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
            for file in inner:
                if file.is_symlink() or file.is_file():
                    yield file.relative_to(root).as_posix()
