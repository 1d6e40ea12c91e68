"""Where settings come from: flags, FLEET_* variables, a fleet.toml. Used by workers.settings.

Standard library only, as there.
"""

import difflib
import os
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

from workers.setting_values import EXPECTED, PARSE

CONFIG_NAME = "fleet.toml"
PREFIX = "FLEET_"

Kinds: TypeAlias = Mapping[str, Any]
"""The type of each setting, by name."""


class SettingsError(ValueError):
    """A setting cannot be understood; the text names its key, its value and where it came from."""


_PATHS = {"home", "storage", "connections", "ingestr", "uv", "rscript"}


def default_home(environ: Mapping[str, str]) -> Path:
    """Where a host keeps its things unless it is told."""
    user = Path(environ.get("HOME") or Path.home())
    if sys.platform == "darwin":
        return user / "Library" / "Application Support" / "fleet"
    data = environ.get("XDG_DATA_HOME", "")
    return (Path(data) if data.startswith("/") else user / ".local" / "share") / "fleet"


def config_file(
    environ: Mapping[str, str], named: Path | None, folders: Sequence[Path | None]
) -> Path | None:
    """The fleet.toml that counts, if there is one."""
    if named is None and PREFIX + "CONFIG" in environ:
        text = environ[PREFIX + "CONFIG"]
        if not text:
            return None
        named = Path(text)
    if named is None:
        candidates = (folder / CONFIG_NAME for folder in folders if folder is not None)
        return next((path for path in candidates if path.is_file()), None)
    if not named.is_file():
        raise SettingsError(f"the configuration file {named} does not exist")
    return named


def from_flags(kinds: Kinds, flags: Mapping[str, Any]) -> dict[str, Any]:
    """What a command's flags say."""
    here = Path.cwd()
    return {k: _value(kinds, k, v, "--" + k.replace("_", "-"), here) for k, v in flags.items()}


def from_environ(kinds: Kinds, environ: Mapping[str, str]) -> dict[str, Any]:
    """What FLEET_* variables say."""
    given = ((key, name) for key in kinds if (name := PREFIX + key.upper()) in environ)
    return {key: _value(kinds, key, environ[name], name, Path.cwd()) for key, name in given}


def from_file(kinds: Kinds, file: Path) -> dict[str, Any]:
    """What a fleet.toml says."""
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from error
    return {
        key: _value(kinds, key, value, str(file), file.parent) for key, value in _flat(data, kinds)
    }


def _flat(data: Mapping[str, Any], kinds: Kinds, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """`[env] max_age = 1` is the setting env_max_age; a setting may be a whole table too."""
    for name, value in data.items():
        key = prefix + name.replace("-", "_")
        if isinstance(value, Mapping) and key not in kinds:
            yield from _flat(value, kinds, key + "_")
        else:
            yield key, value


def _value(kinds: Kinds, key: str, raw: Any, source: str, base: Path) -> Any:
    """The setting `key` from what `source` says; relative paths are relative to `base`."""
    if key not in kinds:
        near = difflib.get_close_matches(key, kinds, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise SettingsError(f"{source}: there is no setting {key}{hint}")
    try:
        value = PARSE[kinds[key]](raw)
        return _located(key, value, base) if key in _PATHS else value
    except (ValueError, TypeError, KeyError) as error:
        raise SettingsError(f"{source}: {key} = {raw!r}: {EXPECTED[kinds[key]]}") from error


def _located(key: str, value: Any, base: Path) -> Any:
    text = str(value)
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    elif "://" in text:
        if key != "storage":
            raise ValueError(text)
        return text.rstrip("/")
    if not text and key != "home":
        return ""
    path = Path(os.path.abspath(base / Path(text).expanduser()))  # noqa: PTH100 - keeps links
    return path if key == "home" else str(path)
