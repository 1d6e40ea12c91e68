"""Named connections of one environment, resolved on the worker. Called by the steps and by locks.

The file .bruin.yml is read by assets_parser.config, a secrets backend by workers.secrets_backends;
here a name becomes a value or a clear error.
"""

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from assets_parser import config
from assets_parser.faults import DefinitionError
from assets_parser.spec import RunOptions
from workers import run_values
from workers.errors import StepFailed
from workers.settings import Settings

if TYPE_CHECKING:
    from workers.context import StepContext

FILE_DATABASES = frozenset({"duckdb", "sqlite"})
_IN_MEMORY = frozenset({"", ":memory:"})


class Raw(Protocol):
    """What assets_parser.config gives for each connection of the chosen environment."""

    @property
    def name(self) -> str:
        """The name that assets use."""

    @property
    def type(self) -> str:
        """The key in .bruin.yml, such as `postgres`."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """The other keys; raises DefinitionError when a ${VARIABLE} in them is not set."""


class Run(Protocol):
    """What connections depend on; a StepContext and a worker's Facts of a run both have it."""

    @property
    def options(self) -> RunOptions:
        """What the submitter chose."""

    @property
    def project(self) -> Path:
        """The project's root."""

    @property
    def config(self) -> Path | None:
        """The .bruin.yml, if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One connection with its values. `folder` is what a relative path in it is relative to.

    `unset` are the environment variables that its values name and nobody has set.
    """

    name: str
    type: str
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)
    folder: Path = field(default=Path("/"), repr=False)
    unset: tuple[str, ...] = ()

    def text(self, key: str, default: str = "") -> str:
        """The field as text; `default` where it is missing or empty."""
        value = self.fields.get(key)
        return default if value is None or value == "" else _written(value)

    def number(self, key: str, default: int = 0) -> int:
        """The field as a whole number; raises StepFailed if it is none."""
        text = self.text(key)
        try:
            return int(text) if text else default
        except ValueError:
            raise StepFailed(
                "config", f"connection {self.name!r}: {key} must be a whole number"
            ) from None

    @property
    def file(self) -> Path | None:
        """The absolute path of the database file, None where there is none."""
        path = self.text("path")
        if self.type not in FILE_DATABASES or path in _IN_MEMORY or path.startswith("md:"):
            return None
        if self.fields.get("lakehouse"):
            return None
        return Path(os.path.abspath(self.folder / Path(path).expanduser()))  # noqa: PTH100 - links stay

    def content(self, key: str, file_key: str) -> str:
        """The field `key`, else the content of the file that `file_key` names, else empty text."""
        path = self.text(file_key)
        if self.text(key) or not path:
            return self.text(key)
        try:
            return (self.folder / Path(path).expanduser()).read_text("utf-8")
        except OSError as error:
            why = error.strerror or type(error).__name__
            message = f"connection {self.name!r}: {file_key} {path}: {why}"
            raise StepFailed("config", message) from error


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """The connections of one environment. `source` names the file to edit, for error messages."""

    raw: Mapping[str, Raw] = field(default_factory=dict, repr=False)
    source: str = ""
    environment: str = ""
    folder: Path = Path("/")
    root: Path = Path("/")

    def get(self, name: str) -> Connection:
        """The connection `name`; StepFailed(kind="config") names what is known and where."""
        found = self.raw.get(name)
        if found is None:
            raise self._unknown(name)
        try:
            fields = dict(found.fields)
        except DefinitionError as error:
            raise self._unusable(error) from error
        limit = getattr(found, "max_concurrent_assets", None)
        if limit and "max_concurrent_assets" not in fields:
            fields["max_concurrent_assets"] = limit
        folder = self.root if found.type == "sqlite" else self.folder
        unset = tuple(getattr(found, "missing", ()))
        return Connection(
            name=found.name, type=found.type, fields=fields, folder=folder, unset=unset
        )

    def _unusable(self, error: DefinitionError) -> StepFailed:
        said = "; ".join(fault.message for fault in error.faults)
        hints = dict.fromkeys(fault.hint for fault in error.faults if fault.hint)
        where = f"see {self.source or '.bruin.yml'}"
        return StepFailed("config", said, hint="; ".join([*hints, where]))

    def find(self, name: str) -> Connection | None:
        """The connection `name`, None if it is not known or cannot be used.

        Raises StepFailed where a secrets backend did not answer: that is not a no.
        """
        try:
            return self.get(name)
        except StepFailed as error:
            if error.kind != "config":
                raise
            return None

    def some(self, names: Iterable[str]) -> Iterator[Connection]:
        """Those of `names` that are known, each once, in order."""
        for name in dict.fromkeys(names):
            if name and (found := self.find(name)):
                yield found

    def of_files(self) -> Iterator[tuple[Connection, Path]]:
        """Those that are DuckDB or SQLite files; a secrets backend gives no list of its own."""
        names = [name for name, one in self.raw.items() if one.type in FILE_DATABASES]
        for found in self.some(names):
            if found.file:
                yield found, found.file

    def _unknown(self, name: str) -> StepFailed:
        where = self.source or "a .bruin.yml (there is none on this worker)"
        environment = f" in environment {self.environment!r}" if self.environment else ""
        near = difflib.get_close_matches(name, self.raw, n=1)
        guess = f"did you mean {near[0]!r}? " if near else ""
        known = ", ".join(sorted(self.raw)) or "none"
        return StepFailed(
            "config",
            f"there is no connection {name!r}{environment}; known: {known}",
            hint=f"{guess}add it to {where}",
        )


def load(
    path: Path | None, environment: str, environ: Mapping[str, str], *, root: Path | None = None
) -> Connections:
    """The connections of `environment` (empty: the default one) in the .bruin.yml at `path`.

    Relative paths start beside that file, those of SQLite in the project's `root`. StepFailed with
    kind "config" if the file cannot be read.
    """
    root = root or (path.parent if path else Path.cwd())
    try:
        parsed = config.load(root, environ, path)
        chosen = parsed.environment(environment)
    except DefinitionError as error:
        raise StepFailed("config", str(error)) from error
    return Connections(
        raw=chosen.connections,
        source=str(path or parsed.file),
        environment=chosen.name,
        folder=parsed.folder,
        root=root,
    )


def from_backend(
    backend: str, environ: Mapping[str, str], *, root: Path, run_id: str
) -> Connections:
    """The connections that a secrets backend holds; relative paths start at the project's `root`.

    Each is fetched when it is asked for. StepFailed if there is no such backend.
    """
    from workers.secrets_backends.secrets import Secrets  # noqa: PLC0415 - few runs have one

    source = f"the secrets backend {backend}"
    return Connections(raw=Secrets(backend, environ, run_id), source=source, folder=root, root=root)


def of_run(settings: Settings, run_id: str, run: Run) -> Connections:
    """The connections of a run: of the secrets backend that it names, or this worker, or a file.

    Variables come from the run, then from this worker.
    """
    environ = run_values.environ(settings, run_id, os.environ)
    backend = run.options.secrets_backend or settings.secrets_backend
    root = _lasting(settings, run)
    if backend:
        return from_backend(backend, environ, root=root, run_id=run_id)
    if run.config and root != run.project and config.CONTENT not in environ:
        _stop_without(run.config)
    return load(run.config, run.options.environment, environ, root=root)


def _stop_without(file: Path) -> None:
    """The submitter's file is on its own host, unless that is this one."""
    if not file.exists():
        raise StepFailed(
            "config",
            f"this worker has no connections: {file} is on the submitter's host",
            hint="name this worker's own .bruin.yml by `connections` in its fleet.toml",
        )


def _lasting(settings: Settings, run: Run) -> Path:
    """Where relative paths of databases start: never in a copy that goes when the run is over."""
    if run.project.parent != settings.work:
        return run.project
    return run.config.parent if run.config else settings.home


def of(context: "StepContext") -> Connections:
    """The connections that a step may use."""
    return of_run(context.settings, context.claim.run_id, context)
