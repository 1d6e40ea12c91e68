"""Turns what an asset asks for into exact versions, once a day for the whole fleet.

Used by workers.envs. The first worker that needs a requirements text asks uv and stores the answer
in the catalog by compare-and-set; everybody else takes that, so that one run never mixes versions.
"""

import contextlib
import hashlib
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from workers import installer
from workers.errors import StepFailed
from workers.pool import Interpreter
from workers.projects import Project, Stopped
from workers.requirements import Needs
from workers.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

EVER = 100 * 365 * 86_400.0  # seconds
FORMAT = "2"  # part of every key; raised when the meaning of a stored text changes
CREDENTIALS = re.compile(r"://(?!git@)[^/\s@]+@")
UNREACHABLE = re.compile(r"(?i)error sending request|dns error|connect|timed? ?out|failed to fetch")
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """Resolves for one worker. `engine` may be None where there is no catalog (doctor, tests)."""

    settings: Settings
    engine: "Engine | None" = None

    def resolve(
        self, needs: Needs, python: Interpreter, *, pyarrow: bool, tell: Tell, stop: Stopped
    ) -> str:
        """Exact requirements as text for `uv pip sync`; StepFailed(kind="env") with uv's words."""
        if needs.kind == "none" and not pyarrow:
            return ""
        key = _key(needs, python, pyarrow)
        known = self._known(key)
        if known is not None:
            return known
        with patient(self._lock_file(key), "is resolving the same requirements", tell, stop):
            known = self._known(key)
            if known is None:
                known = self._fresh(key, needs, python, pyarrow=pyarrow, tell=tell, stop=stop)
        return known

    def known(self, needs: Needs, python: Interpreter, *, pyarrow: bool) -> str | None:
        """The same if it was resolved lately, else None; asks nobody."""
        if needs.kind == "none" and not pyarrow:
            return ""
        return self._known(_key(needs, python, pyarrow))

    def _fresh(
        self,
        key: str,
        needs: Needs,
        python: Interpreter,
        *,
        pyarrow: bool,
        tell: Tell,
        stop: Stopped,
    ) -> str:
        """Ask uv; where the index cannot be reached, an older answer has to do."""
        try:
            return self._publish(key, self._ask(needs, python, pyarrow, tell, stop))
        except StepFailed as failure:
            old = self._stored(key, EVER) if UNREACHABLE.search(failure.detail) else None
            if old is None:
                raise
            tell(
                "notice: the package index cannot be reached; using the versions of an earlier run"
            )
            return old

    def _known(self, key: str) -> str | None:
        entry = _memory.get(key)
        if entry and time.monotonic() < entry[0]:
            return entry[1]
        text = self._stored(key, self.settings.resolution_max_age)
        if text is not None:
            _memory[key] = (time.monotonic() + 60.0, text)
        return text

    def _stored(self, key: str, max_age: float) -> str | None:
        if self.engine is not None:
            from catalog import resolutions  # noqa: PLC0415 - SQLAlchemy only where there is one
            from workers.outages import patiently  # noqa: PLC0415 - as above

            ask = partial(resolutions.get, self.engine, key, max_age)
            found: str | None = patiently(ask, "to know its versions")
            if found is not None:
                return found
        file = self._file(key)
        try:
            fresh = time.time() - file.stat().st_mtime < max_age
            return file.read_text("utf-8") if fresh else None
        except FileNotFoundError:
            return None

    def _publish(self, key: str, text: str) -> str:
        """Store it for others; what counts is the text that was there first."""
        if self.engine is not None and not CREDENTIALS.search(text):
            from catalog import resolutions  # noqa: PLC0415
            from workers.outages import patiently  # noqa: PLC0415

            age = self.settings.resolution_max_age
            put = partial(resolutions.put_if_absent, self.engine, key, text, age)
            text = patiently(put, "to note its versions")
        else:
            aside = self._file(key).with_suffix(".new")
            aside.touch(mode=0o600)
            aside.write_text(text, "utf-8")
            aside.replace(self._file(key))
        _memory[key] = (time.monotonic() + 60.0, text)
        return text

    def _ask(
        self, needs: Needs, python: Interpreter, pyarrow: bool, tell: Tell, stop: Stopped
    ) -> str:
        if needs.file is not None:
            tell(f"resolving {needs.file.name} for Python {python.minor}")
        with tempfile.TemporaryDirectory(prefix="fleet-resolve-") as name:
            scratch = Path(name)
            if needs.kind == "pyproject":
                project = Project(self.settings, needs, python.path, stop)
                return project.resolve(scratch, pyarrow=pyarrow)
            inputs = [needs.file] if needs.file else []
            if pyarrow:
                inputs.append(scratch / "materialize.in")
                inputs[-1].write_text("pyarrow\n", "utf-8")
            return self._compile(inputs, needs, python, stop)

    def _compile(self, inputs: list[Path], needs: Needs, python: Interpreter, stop: Stopped) -> str:
        flags = ["--no-header", "--no-annotate", "--no-emit-index-url", "--only-binary", "pyarrow"]
        args = [*map(str, inputs), *flags, "--python", str(python.path)]
        config = installer.config_flags()
        what = f"{needs.file.name} cannot be resolved" if needs.file else "pyarrow"
        folder = needs.folder or inputs[0].parent
        return installer.uv(
            self.settings, "pip", "compile", *args, *config, what=what, cwd=folder, stop=stop
        )

    def _lock_file(self, key: str) -> Path:
        folder = self.settings.envs / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"resolve-{key[:32]}.lock"

    def _file(self, key: str) -> Path:
        folder = self.settings.envs / ".resolved"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{key[:32]}.txt"


_memory: dict[str, tuple[float, str]] = {}  # by key: until when (monotonic), text


@contextlib.contextmanager
def patient(file: Path, what: str, tell: Tell, stop: Stopped) -> Iterator[None]:
    """Hold a lock between processes; while another holds it say so once, and heed `stop`."""
    lock, told = FileLock(file), False
    while True:
        try:
            lock.acquire(timeout=0.3)
            break
        except Timeout:
            reason = stop()
            if reason:
                raise StepFailed("cancelled", f"stopped while waiting: {reason}") from None
            if not told:
                tell(f"waiting for another task that {what}")
                told = True
    try:
        yield
    finally:
        lock.release()


def _key(needs: Needs, python: Interpreter, pyarrow: bool) -> str:
    parts = [FORMAT, needs.kind, needs.digest, python.minor, python.platform, str(pyarrow)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
