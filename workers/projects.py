"""What a pyproject.toml with its uv.lock asks for, and how uv resolves and installs it.

Used by workers.envs and workers.resolver. uv.lock decides while it is current; nothing in the
user's folder is written, so parallel assets cannot get into each other's way.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers import installer, requirements
from workers.errors import StepFailed
from workers.requirements import Needs
from workers.settings import Settings

LOCKED = "# as locked"  # the first line of a text that `uv sync --frozen` installs
EXTRA = "# not in the lock"  # before the packages that are added to those of the lock
NOTICE = "# notice: "
_PLAIN = ["--no-header", "--no-annotate"]
_PIN = re.compile(r"[A-Za-z0-9][\w.\-]*\s*(?:\[[^\]]*\])?\s*==")
_BUILD_FILES = ("setup.py", "setup.cfg")
_STALE = "uv.lock does not fit pyproject.toml: other versions than locked may be used"
_STALE_HINT = "; run `uv lock`"
Stopped = Callable[[], str | None]


def of_file(file: Path) -> Needs:
    """What a pyproject.toml asks for, with its uv.lock; nothing if it describes no project."""
    tables = parse(file)
    if "project" not in tables:
        return Needs()
    around = _Surroundings(file, tables, _workspace(file))
    local = list(around.local())
    packaged = is_package(tables)
    own = [requirements.read(f) for name in _BUILD_FILES if (f := file.with_name(name)).exists()]
    place = [str(file.parent)] if packaged or local else []
    return Needs(
        kind="pyproject",
        file=file,
        digest=requirements.digest([*around.texts(), *own, *local, *place]),
        local=True,
        packaged=packaged,
        lock=around.lock,
    )


def parse(file: Path) -> dict[str, Any]:
    """The tables of a pyproject.toml; StepFailed if it is not TOML."""
    try:
        return tomllib.loads(requirements.read(file))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise StepFailed("env", f"{file.name} is not valid TOML: {error}") from error


def is_package(tables: Mapping[str, Any]) -> bool:
    """Whether `uv run` would install the project itself, so that it can be imported anywhere."""
    said = _uv(tables).get("package")
    return said if isinstance(said, bool) else "build-system" in tables


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """A pyproject.toml and the workspace that it may be a member of."""

    file: Path
    tables: Mapping[str, Any]
    workspace: Path | None  # the pyproject.toml of its root

    @property
    def lock(self) -> Path | None:
        places = [self.file] if self.workspace is None else [self.file, self.workspace]
        locks = (place.with_name("uv.lock") for place in places)
        return next((lock for lock in locks if lock.is_file()), None)

    def texts(self) -> Iterator[str]:
        """The files whose words decide."""
        files = [self.file, self.lock, self.workspace]
        for file in dict.fromkeys(file for file in files if file is not None):
            yield requirements.read(file)

    def local(self) -> Iterator[str]:
        """The state of each package of this host that is among the packages."""
        yield from _path_sources(self.file, self.tables)
        if self.workspace is None:
            return
        root = self.tables if self.workspace == self.file else parse(self.workspace)
        if self.workspace != self.file:
            yield from _path_sources(self.workspace, root)
        for pattern in _texts(_table(_uv(root), "workspace").get("members")):
            for member in _members(self.workspace.parent, pattern):
                yield requirements.read(member)


def _workspace(file: Path) -> Path | None:
    """The pyproject.toml at or above this one that gathers projects into a workspace."""
    for folder in file.parents:
        candidate = folder / "pyproject.toml"
        if candidate.is_file() and "workspace" in _uv(parse(candidate)):
            return candidate
        if (folder / ".git").exists():
            return None
    return None


def _members(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(f"{pattern}/pyproject.toml"))
    except (ValueError, NotImplementedError) as error:
        raise StepFailed("env", f"{folder}: workspace members {pattern!r}: {error}") from error


def _path_sources(file: Path, tables: Mapping[str, Any]) -> Iterator[str]:
    for source in _table(_uv(tables), "sources").values():
        for one in source if isinstance(source, list) else [source]:
            if isinstance(one, Mapping) and isinstance(one.get("path"), str):
                line = f"-e {one['path']}" if one.get("editable") else one["path"]
                yield from requirements.local_state(line, file.parent, one["path"])


def _uv(tables: Mapping[str, Any]) -> Mapping[str, Any]:
    return _table(_table(tables, "tool"), "uv")


def _table(tables: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = tables.get(key)
    return found if isinstance(found, Mapping) else {}


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class Project:
    """One project as uv handles it for one Python."""

    settings: Settings
    needs: Needs
    python: Path
    stop: Stopped

    def resolve(self, scratch: Path, *, pyarrow: bool) -> str:
        """The text that `install` takes: uv.lock's packages, or else what they resolve to now."""
        if self.needs.lock is None:
            return self._fresh(scratch, pyarrow=pyarrow)
        try:
            locked = self._export("--locked")
        except StepFailed as failure:
            if failure.kind != "env":
                raise
            return self._without_lock(scratch, failure, pyarrow=pyarrow)
        extra = self._extra(locked, scratch) if pyarrow and not _has(locked, "pyarrow") else ""
        return "\n".join([LOCKED, locked, *([EXTRA, extra] if extra else [])])

    def _without_lock(self, scratch: Path, failure: StepFailed, *, pyarrow: bool) -> str:
        """A lock that is not current still says which versions to prefer, as for `uv lock`."""
        stale = "--locked" in failure.detail
        try:
            (scratch / "resolved.txt").write_text(self._export("--frozen"), "utf-8")
        except StepFailed as unusable:
            if unusable.kind != "env":
                raise
            stale = False
        said = _STALE if stale else failure.message + "; resolving pyproject.toml without it"
        return f"{NOTICE}{said}{_STALE_HINT}\n" + self._fresh(scratch, pyarrow=pyarrow)

    def _export(self, how: str) -> str:
        flags = [how, *_PLAIN, "--no-hashes", "--no-emit-project", "--python", str(self.python)]
        return self._uv("export", *flags, what="uv.lock cannot be used")

    def _fresh(self, scratch: Path, *, pyarrow: bool) -> str:
        """Versions for now; `resolved.txt` in the scratch folder holds those to prefer."""
        assert self.needs.file is not None
        more = [self._in(scratch, "materialize.in", "pyarrow\n")] if pyarrow else []
        return self._compile([str(self.needs.file), *self._groups(), *more], scratch)

    def _extra(self, locked: str, scratch: Path) -> str:
        """pyarrow, for a materialize() whose lock does not have it, beside what is locked."""
        pins = self._in(scratch, "pins.txt", _pins(locked))
        found = self._compile([self._in(scratch, "extra.in", "pyarrow\n"), "-c", pins], scratch)
        return "\n".join(line for line in found.splitlines() if line not in locked.splitlines())

    def _compile(self, what: list[str], scratch: Path) -> str:
        output = scratch / "resolved.txt"
        flags = [*_PLAIN, "--no-emit-index-url", "--only-binary", "pyarrow", "-q"]
        args = [*what, *flags, "--python", str(self.python), "--output-file", str(output)]
        self._uv("pip", "compile", *args, what="pyproject.toml cannot be resolved")
        return output.read_text("utf-8")

    def install(self, folder: Path, text: str) -> None:
        """Put the packages of `text`, and the project itself if it is one, into a new venv."""
        locked, _, extra = text.partition(EXTRA)
        if text.startswith(LOCKED):
            self._sync(folder)
            if extra.strip():
                self._pip(folder, ["-r", self._in(folder, "extra.txt", _pins(extra)), "--no-deps"])
        else:
            assert self.needs.folder is not None
            own = ["-e", "."] if self.needs.packaged else ["-r", "pyproject.toml"]
            more = [self._in(folder, "more.in", "pyarrow\n")] if _has(text, "pyarrow") else []
            pins = self._in(folder, "pins.txt", _pins(locked))
            wanted = [*own, *(part for file in more for part in ("-r", file)), *self._groups()]
            self._pip(folder, [*wanted, "-c", pins])
        for name in ("extra.txt", "more.in", "pins.txt"):
            (folder / name).unlink(missing_ok=True)
        self._unchanged()

    def _sync(self, folder: Path) -> None:
        """Exactly the lock, with its hashes and its indexes, as `uv run` has it."""
        python = str(folder / "bin" / "python")
        self._uv(
            *("sync", "--frozen", "--python", python),
            what="uv.lock cannot be installed",
            more={"UV_PROJECT_ENVIRONMENT": str(folder)},
        )

    def _pip(self, folder: Path, args: list[str]) -> None:
        python = ["--python", str(folder / "bin" / "python")]
        self._uv("pip", "install", *python, *args, what="pyproject.toml cannot be installed")

    def _unchanged(self) -> None:
        """An environment must be what its key says, also when files change while it is made."""
        assert self.needs.file is not None
        if of_file(self.needs.file).digest != self.needs.digest:
            message = f"{self.needs.file.name} or uv.lock changed while it was being installed"
            raise StepFailed("env", message, hint="run it again")

    def _groups(self) -> list[str]:
        """`uv run` installs the group `dev` unless default-groups says otherwise; so do we."""
        assert self.needs.file is not None
        tables = parse(self.needs.file)
        groups = _table(tables, "dependency-groups")
        wanted = _uv(tables).get("default-groups", ["dev"])
        names = list(groups) if wanted == "all" else [n for n in _texts(wanted) if n in groups]
        return [flag for name in names for flag in ("--group", name)]

    @staticmethod
    def _in(folder: Path, name: str, text: str) -> str:
        (folder / name).write_text(text, "utf-8")
        return str(folder / name)

    def _uv(self, *args: str, what: str, more: Mapping[str, str] | None = None) -> str:
        folder = self.needs.folder
        return installer.uv(
            self.settings, *args, what=what, cwd=folder, stop=self.stop, more=more or {}
        )


def notice(text: str) -> str:
    """What the person must know about a resolved text, if anything."""
    first = text.partition("\n")[0]
    return first.removeprefix(NOTICE) if first.startswith(NOTICE) else ""


def _pins(text: str) -> str:
    """Its lines that name an exact version: paths and addresses cannot be constraints."""
    return "".join(f"{line}\n" for line in text.splitlines() if _PIN.match(line))


def _has(text: str, package: str) -> bool:
    return any(line.startswith((f"{package}==", f"{package} ")) for line in text.splitlines())
