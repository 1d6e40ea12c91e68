"""The environments and connections of .bruin.yml. The dispatcher checks with it, workers use it.

No value of a connection ever stands in a fault or a repr: they are secrets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets_parser.faults import DefinitionError, Fault
from assets_parser.suggestions import did_you_mean

FILE = ".bruin.yml"
CONTENT = "BRUIN_CONFIG_FILE_CONTENT"  # YAML text that replaces the file's
_DEFAULT = "default"
_BARE = "generic"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawConnection:
    """One connection as it is written, with `${NAME}` filled in.

    `variables` are the environment variables that its values name, `missing` those that are unset.
    A generic connection, a bare secret that many projects leave unset, has empty text for these.
    """

    name: str
    type: str  # its key in .bruin.yml
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    max_concurrent_assets: int | None = None
    variables: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    file: str = FILE
    line: int = 0

    @property
    def fields(self) -> Mapping[str, Any]:
        """The values, without `name`; DefinitionError names the variables that are not set."""
        if not self.missing:
            return self.values
        if self.type == _BARE:
            return {key: self._emptied(value) for key, value in self.values.items()}
        names = ", ".join(self.missing)
        fault = Fault(
            rule="connection-variable",
            message=f"connection '{self.name}' needs {names} in the environment: not set",
            hint="export it where the fleet command or the worker starts",
            file=self.file,
            line=self.line,
        )
        raise DefinitionError([fault])

    def _emptied(self, value: object) -> object:
        if isinstance(value, str):
            for name in self.missing:
                value = value.replace(f"${{{name}}}", "")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One environment: its connections by name, and what it does to runs.

    `schema_prefix` ends with an underscore if it is not empty.
    """

    name: str
    connections: Mapping[str, RawConnection] = field(default_factory=dict)
    schema_prefix: str = ""
    full_refresh_restricted: bool = False
    file: str = FILE

    def connection(self, name: str) -> RawConnection:
        """The connection of that name; DefinitionError names the nearest one."""
        found = self.connections.get(name)
        if found is not None:
            return found
        fault = Fault(
            rule="unknown-connection",
            message=f"environment '{self.name}' has no connection '{name}'",
            hint=did_you_mean(name, self.connections) or f"add it to {self.file}",
            file=self.file,
        )
        raise DefinitionError([fault])


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All environments of one file; `warnings` are what looks wrong but does not stop a run.

    `folder` is where relative paths start; `exists` tells a file from its absence, which counts as
    one empty environment.
    """

    file: str
    folder: Path
    exists: bool = True
    default_environment: str = _DEFAULT
    environments: Mapping[str, Environment] = field(default_factory=dict)
    warnings: tuple[Fault, ...] = ()

    def environment(self, name: str = "") -> Environment:
        """The environment of that name, or the default one; DefinitionError names the nearest."""
        wanted = name or self.default_environment
        found = self.environments.get(wanted)
        if found is not None:
            return found
        known = ", ".join(sorted(self.environments)) or "none"
        fault = Fault(
            rule="unknown-environment",
            message=f"there is no environment '{wanted}'; known: {known}",
            hint=did_you_mean(wanted, self.environments),
            file=self.file,
        )
        raise DefinitionError([fault])


def location(root: Path, environ: Mapping[str, str], path: Path | None = None) -> Path:
    """Where the file is: `path` (--config-file), BRUIN_CONFIG_FILE, else in the project root."""
    named = path or environ.get("BRUIN_CONFIG_FILE")
    return Path(named).absolute() if named else root / FILE


def load(root: Path, environ: Mapping[str, str], path: Path | None = None) -> Config:
    """The configuration of the project in `root`, `${NAME}` taken from `environ`.

    A missing file is one empty environment, unless it was named. DefinitionError with all faults.
    """
    from assets_parser import config_file  # noqa: PLC0415 - it builds this module's values

    place = location(root, environ, path)
    named = path is not None or bool(environ.get("BRUIN_CONFIG_FILE"))
    shown = place.relative_to(root).as_posix() if place.is_relative_to(root) else str(place)
    if text := environ.get(CONTENT):
        return config_file.read(text, CONTENT, place.parent, environ)
    if not named and not place.exists():
        empty = Environment(name=_DEFAULT, file=shown)
        return Config(file=shown, folder=place.parent, exists=False, environments={_DEFAULT: empty})
    return config_file.read(_text(place, shown), shown, place.parent, environ)


def _text(place: Path, shown: str) -> str:
    try:
        return place.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        fault = Fault(rule="config-file", message=f"cannot be read: {why}", file=shown)
        raise DefinitionError([fault]) from None
