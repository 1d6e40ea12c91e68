"""The Python interpreters of this worker: found, or fetched by uv. Used by workers.envs and doctor.

Looks where real interpreters are (managed by uv, on PATH, in pyenv's versions folder, our own), not
at pyenv's shims, which fail for every version but the current one. What an interpreter says about
itself is kept in FLEET_HOME, because asking costs some 15 ms each.
"""

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from workers import installer
from workers.confinement import may_run
from workers.errors import StepFailed
from workers.settings import Settings

DEFAULT = "3.11"
SUPPORTED = tuple(f"3.{minor}" for minor in range(8, 15))
PROBE = (
    "import json,platform,sys,sysconfig;"
    "print(json.dumps(['%d.%d.%d' % sys.version_info[:3], sys.implementation.name,"
    " sysconfig.get_platform(), platform.libc_ver()[0]]))"
)
PROBE_TIMEOUT = 20.0  # seconds
CACHE_NAME = "pythons.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """One Python that runs here. `source` says where it was found: uv, PATH, pyenv or fleet."""

    version: str  # X.Y.Z
    path: Path
    source: str
    platform: str = ""

    @property
    def minor(self) -> str:
        """X.Y"""
        return ".".join(self.version.split(".")[:2])


class Pool:
    """Finds the interpreter for a version, fetching it where that is allowed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._found: dict[str, tuple[Interpreter, str]] = {}

    def find(
        self,
        version: str,
        requires: str = "",
        tell: Callable[[str], None] = lambda _: None,
        stop: Callable[[], str | None] = lambda: None,
    ) -> tuple[Interpreter, str]:
        """The interpreter for X.Y, and a notice if it is another version than the one asked for.

        `requires` is a specifier such as ">=3.10": any version in it will do if X.Y is not here.
        The default version gives way to the closest. Raises StepFailed(kind="env").
        """
        known = self._found.get(version + requires)
        if known is None or not known[0].path.exists():
            known = self._found[version + requires] = self._search(version, requires, tell, stop)
        return known

    def here(self, version: str) -> Interpreter | None:
        """The interpreter for X.Y if this host has it; nothing is fetched."""
        return self._newest(version)

    def versions(self) -> list[Interpreter]:
        """Every interpreter of this worker that assets may use, newest first."""
        usable = (found for found in self._probed(_candidates("")) if found.minor in SUPPORTED)
        seen = {found.path: found for found in usable}
        return sorted(seen.values(), key=lambda found: Version(found.version), reverse=True)

    def _search(
        self,
        version: str,
        requires: str,
        tell: Callable[[str], None],
        stop: Callable[[], str | None],
    ) -> tuple[Interpreter, str]:
        exact = self._newest(version)
        if exact is None and self._settings.python_downloads:
            tell(f"Python {version} is not on this worker; fetching it")
            exact, why = self._fetch(version, stop)
        else:
            why = "downloads are turned off (python_downloads)"
        if exact is not None:
            return exact, ""
        other = self._instead(version, requires)
        if other is None:
            raise self._missing(version, why)
        return other, f"Python {version} is not on this worker; using {other.version}"

    def _newest(self, version: str) -> Interpreter | None:
        matching = (p for p in self._probed(_candidates(version)) if p.minor == version)
        return max(matching, key=lambda p: Version(p.version), default=None)

    def _fetch(
        self, version: str, stop: Callable[[], str | None]
    ) -> tuple[Interpreter | None, str]:
        """Let uv download it; None with uv's words if it cannot."""
        args = ["python", "install", "--no-bin", version]
        try:
            installer.uv(self._settings, *args, what="Python", stop=stop)
        except StepFailed as failure:
            if failure.kind != "env":
                raise
            return None, failure.detail or failure.message
        return self._newest(version), "uv installed it, but it was not found afterwards"

    def _instead(self, version: str, requires: str) -> Interpreter | None:
        wanted = _allowed(requires)
        if not requires and version != DEFAULT:
            return None
        usable = [p for p in self.versions() if wanted.contains(p.version)]
        target = int(version.split(".")[1])

        def distance(found: Interpreter) -> tuple[int, int, Version]:
            minor = int(found.minor.split(".")[1])
            return abs(minor - target), -minor, Version(found.version)

        return min(usable, key=distance, default=None)

    def _missing(self, version: str, why: str) -> StepFailed:
        here = ", ".join(dict.fromkeys(p.minor for p in self.versions())) or "none"
        return StepFailed(
            "env",
            f"Python {version} is not on this worker; it has {here}",
            detail=why,
            hint=f"install it (uv python install {version}), or name another version in `image:`",
        )

    def _probed(self, candidates: Iterator[tuple[Path, str]]) -> Iterator[Interpreter]:
        memory = _Memory(self._settings.home / CACHE_NAME)
        for found, source in candidates:
            path = found.resolve()  # a virtual environment's link would bring its packages along
            facts = memory.recall(path)
            if facts and facts[1] == "cpython" and may_run(self._settings, path):
                platform = f"{facts[2]}-{facts[3]}" if facts[3] else facts[2]
                yield Interpreter(version=facts[0], path=path, source=source, platform=platform)
        memory.save()


class _Memory:
    """What interpreters said about themselves, valid while the file does not change."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._changed = False
        try:
            self._facts: dict[str, Any] = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            self._facts = {}

    def recall(self, path: Path) -> list[str] | None:
        """Version, implementation, platform and C library; None if it does not run."""
        try:
            stat = path.stat()
        except OSError:
            return None
        key, stamp = str(path), [stat.st_mtime_ns, stat.st_size]
        if self._facts.get(key, [None])[0] != stamp:
            try:
                self._facts[key] = [stamp, _probe(path)]
            except subprocess.TimeoutExpired:  # the host is busy: it is asked again the next time
                return None
            self._changed = True
        answer: list[str] | None = self._facts[key][1]
        return answer

    def save(self) -> None:
        """Write aside and rename; another process may do the same, and either is right."""
        if not self._changed:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        aside = self._file.with_name(f"{self._file.name}.{uuid.uuid4().hex[:8]}")
        aside.write_text(json.dumps(self._facts), "utf-8")
        aside.replace(self._file)


def _probe(path: Path) -> list[str] | None:
    """What it says of itself, None if it does not run; TimeoutExpired if it does not answer."""
    argv = [str(path), "-I", "-S", "-c", PROBE]
    try:
        done = subprocess.run(argv, capture_output=True, timeout=PROBE_TIMEOUT, check=True)
        answer: list[str] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return answer


def _candidates(version: str) -> Iterator[tuple[Path, str]]:
    """Where an interpreter of this version (empty: any) may be; names only exclude."""
    names = [f"python{v}" for v in ([version] if version else SUPPORTED)]
    for root, source in ((_uv_folder(), "uv"), (_pyenv_folder(), "pyenv")):
        for folder in sorted(root.iterdir(), reverse=True) if root.is_dir() else ():
            if re.search(rf"(^|-){re.escape(version)}(\.|$|-)" if version else r"\d", folder.name):
                yield folder / "bin" / "python3", source
    for entry in dict.fromkeys(os.get_exec_path()):
        if os.path.isabs(entry) and not entry.rstrip("/").endswith("/shims"):  # noqa: PTH117
            yield from ((Path(entry) / name, "PATH") for name in [*names, "python3"])
    yield Path(getattr(sys, "_base_executable", sys.executable)), "fleet"


def _uv_folder() -> Path:
    named = os.environ.get("UV_PYTHON_INSTALL_DIR")
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(named or f"{data}/uv/python").expanduser()


def _pyenv_folder() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser() / "versions"


def _allowed(requires: str) -> SpecifierSet:
    try:
        return SpecifierSet(requires, prereleases=True)
    except InvalidSpecifier:
        return SpecifierSet()
