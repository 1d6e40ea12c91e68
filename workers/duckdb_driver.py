"""The ADBC driver that ingestr needs for DuckDB. Used by workers.ingestr and `fleet doctor`.

One that is installed is used as it is. Else the duckdb wheel serves: its extension module exports
the driver, but wants the symbols of libpython, which is loaded before it. Else ingestr downloads.
"""

import hashlib
import importlib.util
import os
import platform
import re
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workers import storage
from workers.settings import Settings

NEWER = "created with a newer version of DuckDB"
NEWER_HINT = (
    "a newer DuckDB than this worker's made the file: pin an older duckdb in the requirements of "
    "the script that did, remove the file and run again"
)

NAME = "duckdb.toml"
_MANIFEST = """\
manifest_version = 1
name = "DuckDB"
publisher = "the duckdb wheel of this worker"
[Driver]
entrypoint = "duckdb_adbc_init"
[Driver.shared]
{platform} = {path}
"""
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """Where the driver comes from, in words, and the variables that make ingestr find it."""

    source: str
    environment: Mapping[str, str] = field(default_factory=dict)
    downloads: bool = False


def find(settings: Settings, environ: Mapping[str, str] | None = None) -> Driver:
    """The driver that a load into DuckDB uses on this host."""
    environ = os.environ if environ is None else environ
    for folder, variable in _installed(environ):
        if (folder / NAME).is_file():
            return Driver(
                source=f"installed in {folder}",
                environment={variable: environ[variable]} if variable else {},
            )
    module, library = _extension(), _libpython(environ)
    if module is None or library is None:
        missing = "the duckdb package" if module is None else f"a shared {_library_names()[0]}"
        return Driver(
            source=f"downloaded by ingestr ({missing} is not on this host)", downloads=True
        )
    folder = _manifest(settings, module)
    preload = "DYLD_INSERT_LIBRARIES" if sys.platform == "darwin" else "LD_PRELOAD"
    return Driver(
        source=f"{module} with {library}",
        environment={"ADBC_DRIVER_PATH": str(folder), preload: str(library)},
    )


def hint() -> str:
    """What to do when no driver can be had, for errors of a load."""
    return (
        "ingestr needs an ADBC driver for DuckDB and could not get one: install a shared "
        f"{_library_names()[0]} (Debian: apt install libpython{_version()}; or run the worker on "
        "a Python that `uv python install` brought), or put a driver into ~/.config/adbc/drivers, "
        "or let the worker reach the internet; `fleet doctor` tries one load"
    )


def _installed(environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """Folders that ADBC looks in by itself, each with the variable that names it, if one does."""
    for part in environ.get("ADBC_DRIVER_PATH", "").split(os.pathsep):
        if part:
            yield Path(part), "ADBC_DRIVER_PATH"
    home = Path(environ.get("HOME", "/"))
    if sys.platform == "darwin":
        yield home / "Library" / "Application Support" / "ADBC" / "Drivers", ""
        yield Path("/Library/Application Support/ADBC/Drivers"), ""
        return
    config = environ.get("XDG_CONFIG_HOME", "")
    yield (
        (Path(config) / "adbc" / "drivers", "XDG_CONFIG_HOME")
        if config
        else (
            home / ".config" / "adbc" / "drivers",
            "",
        )
    )
    yield Path("/etc/adbc/drivers"), ""


def _extension() -> Path | None:
    """The duckdb wheel's extension module, found without loading it."""
    spec = importlib.util.find_spec("_duckdb")
    return Path(spec.origin) if spec and spec.origin else None


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _library_names() -> list[str]:
    threads = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    stem = f"libpython{_version()}{threads}"
    if sys.platform == "darwin":
        return [f"{stem}.dylib", "Python"]
    return [f"{stem}.so.1.0", f"{stem}.so.1", f"{stem}.so"]


def _libpython(environ: Mapping[str, str]) -> Path | None:
    """The shared library of this interpreter's version: its own, else of one in the pool."""
    for folder in _folders(environ):
        for name in _library_names():
            if (folder / name).is_file():
                return folder / name
    return None


def _folders(environ: Mapping[str, str]) -> Iterator[Path]:
    for value in ("LIBDIR", "PYTHONFRAMEWORKPREFIX"):
        if named := sysconfig.get_config_var(value):
            yield Path(named)
    if multiarch := sysconfig.get_config_var("MULTIARCH"):
        yield Path("/usr/lib") / multiarch
    base = Path(sys.base_prefix)
    yield base / "lib"
    yield base / "Python.framework" / "Versions" / _version()
    yield from _of_pool(environ)


def _of_pool(environ: Mapping[str, str]) -> Iterator[Path]:
    """Library folders of other interpreters of this version, from uv's and pyenv's folders."""
    home = Path(environ.get("HOME", "/"))
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    pythons = Path(environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    pyenv = Path(environ.get("PYENV_ROOT") or home / ".pyenv") / "versions"
    wanted = re.compile(rf"(?:^|-){re.escape(_version())}(?:\.|-|$)")
    for folder in (pythons, pyenv):
        found = sorted(folder.iterdir(), reverse=True) if folder.is_dir() else []
        yield from (path / "lib" for path in found if wanted.search(path.name))


def _manifest(settings: Settings, module: Path) -> Path:
    """A folder of FLEET_HOME with the manifest that names `module`; made once per wheel."""
    system = {"darwin": "macos"}.get(sys.platform, "linux")
    machine = platform.machine().lower()
    text = _MANIFEST.format(
        platform=f"{system}_{_MACHINES.get(machine, machine)}", path=_toml(str(module))
    )
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = settings.home / "adbc" / key / NAME
    if not path.is_file():
        with storage.write_aside(path) as aside:
            aside.write_text(text, encoding="utf-8")
    return path.parent


def _toml(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
