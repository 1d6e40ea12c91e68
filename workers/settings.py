"""What one installation of fleet is told: where things are, how many, how long.

Read once at the edge (a command, a worker's entry) and handed on as a value. Standard library only,
because `fleet --help` and the asset's supervisor may import it too.
"""

import dataclasses
import difflib
import os
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from workers.setting_values import EXPECTED, PARSE, text

CONFIG_NAME = "fleet.toml"
PREFIX = "FLEET_"


class SettingsError(ValueError):
    """A setting cannot be understood; the text names its key, its value and where it came from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. Times are seconds, sizes bytes; an empty text means "not given".

    URLs may hold passwords, so they stay out of repr().
    """

    #: Folder for everything that this host keeps: catalog, storage, envs, caches, logs.
    home: Path
    #: Redis or Valkey URL; empty means that a command starts an embedded fleet.
    broker: str = field(default="", repr=False)
    #: Redis URL of Celery's results; empty means the broker's.
    results: str = field(default="", repr=False)
    #: SQLAlchemy URL of the catalog; empty means a SQLite file in `home`.
    catalog: str = field(default="", repr=False)
    #: Folder that all hosts of the fleet share; empty means a folder in `home`.
    storage: str = ""
    #: Identity of the fleet: workers look after the runs of their own fleet only.
    fleet: str = "default"
    #: Name of this worker; empty means the host's name with the process id.
    worker: str = ""
    #: Assets that this worker runs at a time; 0 means as many as there are cores.
    slots: int = 0
    #: Queues that this worker takes work from.
    queues: tuple[str, ...] = ("fleet",)
    #: A claim that was not renewed for so long is lost. Longer than a garbage collection or a
    #: busy host's pause, short enough that a person waits for the news.
    lease: float = 20.0
    #: A claim is renewed this often: four chances before it is lost.
    lease_renew: float = 5.0
    #: Reconcile looks for lost work this often.
    reconcile_every: float = 5.0
    #: The broker gives an unacknowledged message to another worker after this time.
    visibility: float = 60.0
    #: An asset has this time between being asked to stop and being killed.
    stop_grace: float = 5.0
    #: The .bruin.yml of this worker; empty means the project's own.
    connections: str = ""
    #: Path of an ingestr binary; empty means the installed one.
    ingestr: str = ""
    #: Path of a uv binary; empty means the installed one.
    uv: str = ""
    #: Path of Rscript for R assets; empty means the one on PATH.
    rscript: str = ""
    #: Where connections come from instead of .bruin.yml, unless a run says: vault, doppler, ...
    secrets_backend: str = ""
    #: Whether uv may download Python versions that this host lacks.
    python_downloads: bool = True
    #: Environments beyond this size are removed, least recently used first.
    env_max_bytes: int = 20 * 2**30
    #: Environments that were not used for so long are removed.
    env_max_age: float = 30 * 86_400.0
    #: Resolved requirements are reused for this time, so that runs of one day agree.
    resolution_max_age: float = 86_400.0
    #: A seed that is fetched from the web may be this large.
    seed_max_bytes: int = 2**30
    #: Lines of a run that the broker keeps for those who follow; the log file keeps all.
    live_lines: int = 5_000
    #: Files that bundles hold although git ignores them. Without effect until there are bundles.
    bundle_include: tuple[str, ...] = ()

    @staticmethod
    def load(
        environ: Mapping[str, str] | None = None,
        overrides: Mapping[str, Any] | None = None,
        config_file: Path | None = None,
        project: Path | None = None,
    ) -> "Settings":
        """Settings from flags (`overrides`, None is "not given"), FLEET_*, fleet.toml, defaults.

        The file is `config_file`, else FLEET_CONFIG (empty: none), else the first fleet.toml in
        `project`, the current folder, the home. Raises SettingsError.
        """
        environ = os.environ if environ is None else environ
        flags = {k: v for k, v in (overrides or {}).items() if v is not None}
        given = _from_flags(flags) | _from_environ(environ)
        home = given.get("home", _default_home(environ))
        file = _config_file(environ, config_file, [project, Path.cwd(), home])
        values = {"home": home} | (_from_file(file) if file else {}) | _from_environ(environ)
        settings = Settings(**(values | _from_flags(flags)))
        _check(settings)
        return settings

    def as_environ(self) -> dict[str, str]:
        """Environment variables from which a child process loads these very settings."""
        texts = {f.name: text(getattr(self, f.name)) for f in dataclasses.fields(self)}
        return {PREFIX + k.upper(): v for k, v in texts.items()} | {PREFIX + "CONFIG": ""}

    @property
    def catalog_url(self) -> str:
        """SQLAlchemy URL of the catalog."""
        return self.catalog or f"sqlite:///{self.home / 'catalog.db'}"

    @property
    def results_url(self) -> str:
        """Redis URL of Celery's results."""
        return self.results or self.broker

    @property
    def storage_path(self) -> Path:
        """Folder of artifacts and logs."""
        return Path(self.storage) if self.storage else self.home / "storage"

    @property
    def slot_count(self) -> int:
        """Assets that this worker runs at a time."""
        return self.slots or os.cpu_count() or 1

    @property
    def envs(self) -> Path:
        """Folder of isolated environments."""
        return self.home / "envs"

    @property
    def uv_cache(self) -> Path:
        """uv's cache of this worker."""
        return self.home / "uv-cache"

    @property
    def run_dir(self) -> Path:
        """Folder of sockets and pid files, only for this user."""
        return self.home / "run"

    @property
    def logs(self) -> Path:
        """Folder of the logs of workers and servers; those of assets are on storage."""
        return self.home / "logs"


_PATHS = {"home", "storage", "connections", "ingestr", "uv", "rscript"}


def _default_home(environ: Mapping[str, str]) -> Path:
    user = Path(environ.get("HOME") or Path.home())
    if sys.platform == "darwin":
        return user / "Library" / "Application Support" / "fleet"
    data = environ.get("XDG_DATA_HOME", "")
    return (Path(data) if data.startswith("/") else user / ".local" / "share") / "fleet"


def _config_file(
    environ: Mapping[str, str], named: Path | None, folders: Sequence[Path | None]
) -> Path | None:
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


def _from_flags(flags: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _value(k, v, "--" + k.replace("_", "-"), Path.cwd()) for k, v in flags.items()}


def _from_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    names = ((f.name, PREFIX + f.name.upper()) for f in dataclasses.fields(Settings))
    given = ((key, name) for key, name in names if name in environ)
    return {key: _value(key, environ[name], name, Path.cwd()) for key, name in given}


def _from_file(file: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from error
    return {key: _value(key, value, str(file), file.parent) for key, value in _flat(data)}


def _flat(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """`[env] max_age = 1` is the setting env_max_age."""
    for name, value in data.items():
        key = prefix + name.replace("-", "_")
        if isinstance(value, Mapping):
            yield from _flat(value, key + "_")
        else:
            yield key, value


def _value(key: str, raw: Any, source: str, base: Path) -> Any:
    """The setting `key` from what `source` says; relative paths are relative to `base`."""
    kinds = {f.name: f.type for f in dataclasses.fields(Settings)}
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
        raise ValueError(text)
    if not text and key != "home":
        return ""
    path = Path(os.path.abspath(base / Path(text).expanduser()))  # noqa: PTH100 - keeps links
    return path if key == "home" else str(path)


def _check(settings: Settings) -> None:
    for key in ("broker", "results"):
        url = getattr(settings, key)
        if url and urlsplit(url).scheme not in ("redis", "rediss"):
            scheme = urlsplit(url).scheme or "no scheme"
            raise SettingsError(f"{key}: expected a redis:// or rediss:// URL, got {scheme}")
    if not 0 < settings.lease_renew * 2 <= settings.lease:
        raise SettingsError(
            f"lease_renew = {settings.lease_renew:g} must be at most half of lease ="
            f" {settings.lease:g} and more than 0, or a claim is lost while it is renewed"
        )
    if not settings.fleet or not settings.queues:
        raise SettingsError("fleet and queues must not be empty")
