"""The isolated environments of this worker, kept by key and reused by every run.

Used by workers.main_step. An environment *is* its key: full Python version, resolved requirements
and platform. It is built beside its final name and renamed into place under a lock; what is broken
is built anew; what nobody used for long, or beyond the allowed size, is removed while it is idle.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workers import env_uses, installer, projects, requirements
from workers.env_uses import MARKER
from workers.errors import StepFailed
from workers.pool import Interpreter, Pool
from workers.projects import Stopped
from workers.requirements import NOTHING, Needs
from workers.resolver import Resolver, Tell, patient
from workers.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from assets_parser.spec import AssetSpec

YOUNG = 600.0  # seconds; an environment that was used so recently is never evicted
HALF_BUILT = ".building-"
TRASH = ".trash-"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvRequest:
    """What an asset's interpreter must be. `requires` is a specifier that X.Y may give way to."""

    python: str  # X.Y
    needs: Needs = NOTHING
    pyarrow: bool = False
    requires: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Env:
    """An environment that is ready. `notices` say in what it is not quite what was asked for."""

    key: str
    folder: Path
    version: str
    notices: tuple[str, ...] = ()

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"


@dataclass(frozen=True, slots=True)
class _Recipe:
    """What an environment is made of; `text` is what the needs resolve to."""

    python: Interpreter
    text: str
    needs: Needs


class EnvStore:
    """Finds or builds environments."""

    def __init__(self, settings: Settings, engine: "Engine | None" = None) -> None:
        self._settings = settings
        self._root = settings.envs
        self._pool = Pool(settings)
        self._resolver = Resolver(settings=settings, engine=engine)

    @contextlib.contextmanager
    def using(
        self, request: EnvRequest, tell: Tell = lambda _: None, stop: Stopped = lambda: None
    ) -> Iterator[Env]:
        """The environment for a request, which nobody evicts inside the block."""
        while True:
            env = self.ensure(request, tell, stop)
            with self._in_use(env.folder) as held:
                if held:
                    env_uses.count(env.folder)
                    yield env
                    return

    def ensure(
        self, request: EnvRequest, tell: Tell = lambda _: None, stop: Stopped = lambda: None
    ) -> Env:
        """The environment, built if it has to be. Raises StepFailed(kind="env") with uv's words."""
        python, notice = self._pool.find(request.python, request.requires, tell, stop)
        text = self._resolver.resolve(
            request.needs, python, pyarrow=request.pyarrow, tell=tell, stop=stop
        )
        key = _key(python, text, request.needs)
        folder = self._root / key
        notices = (notice, projects.notice(text))
        env = Env(key=key, folder=folder, version=python.version, notices=notices)
        if not self._usable(folder):
            what = "is building the same environment"
            with patient(self._lock_file(key), what, tell, stop):
                if not self._usable(folder):
                    self._build(folder, _Recipe(python, text, request.needs), tell, stop)
            self.evict()
        return env

    def ready(self, request: EnvRequest) -> bool:
        """Whether the environment is here already; builds and fetches nothing."""
        python = self._pool.here(request.python)
        if python is None or not self._root.is_dir():
            return False
        text = self._resolver.known(request.needs, python, pyarrow=request.pyarrow)
        return text is not None and self._usable(self._root / _key(python, text, request.needs))

    def evict(self) -> list[str]:
        """Remove idle environments that are too old or too many, and say which; half-built too."""
        removed, total = [], 0
        for folder, used, size in env_uses.by_use(self._root):
            total += size
            age = time.time() - used
            old = age > self._settings.env_max_age or total > self._settings.env_max_bytes
            if old and age > YOUNG and self._remove(folder):
                removed.append(folder.name)
                total -= size
        self._sweep()
        return removed

    def _usable(self, folder: Path) -> bool:
        """Whether it is whole: its interpreter runs and every package folder is still there."""
        try:
            marker = json.loads((folder / MARKER).read_text("utf-8"))
            present = {path.name for path in (folder / marker["packages"]).iterdir()}
            whole = present.issuperset(marker["installed"]) and (folder / "bin" / "python").exists()
            if whole:
                os.utime(folder / MARKER)
        except (OSError, ValueError, KeyError, TypeError):  # or it is evicted this moment
            return False
        return whole

    def _lock_file(self, key: str) -> Path:
        folder = self._root / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{key}.lock"

    def _build(self, folder: Path, recipe: "_Recipe", tell: Tell, stop: Stopped) -> None:
        aside = self._root / f"{HALF_BUILT}{folder.name}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        try:
            self._create(aside, recipe.python, stop)
            self._install(aside, recipe, tell, stop)
            _mark(aside, recipe)
            if folder.exists():
                self._remove(folder, broken=True)
            aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _create(self, aside: Path, python: Interpreter, stop: Stopped) -> None:
        flags = ["--relocatable", "--no-project", "--no-config", "--python", str(python.path)]
        what = f"an environment with Python {python.version} cannot be made"
        installer.uv(self._settings, "venv", *flags, str(aside), what=what, stop=stop)

    def _install(self, aside: Path, recipe: "_Recipe", tell: Tell, stop: Stopped) -> None:
        needs, names = recipe.needs, _names(recipe.text)
        if names:
            tell(f"installing {_listed(names)}")
        if needs.kind == "pyproject":
            project = projects.Project(self._settings, needs, recipe.python.path, stop)
            place = hashlib.sha256(os.fsencode(needs.folder or aside)).hexdigest()[:20]
            what = "is building the same project"  # whose folder its build may write to
            with patient(self._lock_file(f"project-{place}"), what, tell, stop):
                project.install(aside, recipe.text)
        elif names:
            self._sync(aside, recipe, stop)

    def _sync(self, aside: Path, recipe: "_Recipe", stop: Stopped) -> None:
        needs = recipe.needs
        pinned = aside / "requirements.txt"
        pinned.touch(mode=0o600)  # it may hold an index's password
        pinned.write_text("\n".join([*needs.options, recipe.text]), "utf-8")
        args = ["pip", "sync", str(pinned), "--python", str(aside / "bin" / "python")]
        config = installer.config_flags()
        what = f"{needs.file.name} cannot be installed" if needs.file else "pyarrow"
        installer.uv(
            self._settings, *args, *config, what=what, cwd=needs.folder or aside, stop=stop
        )
        pinned.unlink()

    @contextlib.contextmanager
    def _in_use(self, folder: Path) -> Iterator[bool]:
        """Hold it shared; False if it was removed in between."""
        try:
            descriptor = os.open(folder / MARKER, os.O_RDONLY)
        except OSError:
            yield False
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield (folder / MARKER).exists() and os.fstat(descriptor).st_nlink > 0
        finally:
            os.close(descriptor)

    def _remove(self, folder: Path, *, broken: bool = False) -> bool:
        """Rename it away and delete it, unless somebody uses it and it is not broken anyway.

        False too if another process was faster.
        """
        trash = self._root / f"{TRASH}{folder.name}-{uuid.uuid4().hex[:6]}"
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(FileNotFoundError):
                marker = stack.enter_context((folder / MARKER).open("rb"))
                try:
                    fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if not broken:
                        return False
            try:
                folder.rename(trash)
            except FileNotFoundError:
                return False
        shutil.rmtree(trash, ignore_errors=True)
        return True

    def _sweep(self) -> None:
        """Delete what a process that died left half-built or half-removed."""
        for prefix in (HALF_BUILT, TRASH):
            for folder in self._root.glob(f"{prefix}*"):
                with contextlib.suppress(OSError):
                    if time.time() - folder.stat().st_mtime > installer.TIMEOUT:
                        shutil.rmtree(folder, ignore_errors=True)


def request_for(project: Path, spec: "AssetSpec", *, pyarrow: bool) -> EnvRequest:
    """What the interpreter of an asset must be; StepFailed if its packages cannot be read."""
    wish, needs, requires = spec.requirements, Needs(), ""
    if wish is not None:
        needs = needs_of(project, wish.kind, wish.path)
    if wish is not None and wish.kind == "pyproject":
        table = projects.parse(project / wish.path).get("project")
        requires = str(table.get("requires-python", "")) if isinstance(table, dict) else ""
    return EnvRequest(python=spec.python, needs=needs, pyarrow=pyarrow, requires=requires)


def needs_of(project: Path, kind: str, path: str) -> Needs:
    """What the file that the plan names asks for; StepFailed if it lies outside the project."""
    file = Path(os.path.normpath(project / path))
    if not file.is_relative_to(project):
        raise StepFailed("env", f"{path} is outside the project")
    return projects.of_file(file) if kind == "pyproject" else requirements.of_file(file)


def _key(python: Interpreter, text: str, needs: Needs) -> str:
    """The identity of an environment; local packages make it this project's own."""
    lines = sorted(line.strip() for line in text.splitlines() if line.strip())
    own = needs.digest if needs.local else ""
    parts = [python.version, python.platform, str(python.path), *lines, own]
    return f"{python.version}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:20]}"


def _mark(folder: Path, recipe: _Recipe) -> None:
    """Write down that it is whole, and what belongs to it."""
    packages = next(folder.glob("lib/python*/site-packages"))
    installed = sorted(p.name for p in packages.iterdir() if p.name != "__pycache__")
    marker: dict[str, Any] = {
        "python": recipe.python.version,
        "packages": packages.relative_to(folder).as_posix(),
        "installed": installed,
        "requirements": recipe.text.splitlines(),
        "bytes": sum(e.stat().st_size for e in folder.rglob("*") if e.is_file()),
    }
    aside = folder / f"{MARKER}.new"
    aside.write_text(json.dumps(marker), "utf-8")
    aside.replace(folder / MARKER)


def _names(text: str) -> list[str]:
    found = (re.match(r"(?:-e\s+)?([A-Za-z0-9_.\-/:+]+)", line) for line in text.splitlines())
    return list(dict.fromkeys(match[1] for match in found if match))  # one name for two Pythons


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
    return f"{shown} ({len(names)} package{'s' if len(names) > 1 else ''})"
