"""What one installation of fleet is told: where things are, how many, how long.

Read once at the edge (a command, a worker's entry) and handed on as a value. Standard library only,
because `fleet --help` and the asset's supervisor may import it too.
"""

import dataclasses
import hashlib
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from assets_parser import queue_names
from workers import weights as weights_of
from workers.queues import ANY, GENERAL
from workers.setting_sources import (
    CONFIG_NAME,
    PREFIX,
    SettingsError,
    default_home,
    from_environ,
    from_file,
    from_flags,
)
from workers.setting_sources import config_file as find_config
from workers.setting_values import text

SHORTEST_KEY = 16  # characters; less could be found by trying

__all__ = ["CONFIG_NAME", "PREFIX", "Settings", "SettingsError"]


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
    #: What all hosts of the fleet share: a folder, or an fsspec URL; empty is a folder in `home`.
    storage: str = ""
    #: What the store behind such a URL is told beside it, as key=value: endpoint_url, key, ...
    storage_options: tuple[str, ...] = field(default=(), repr=False)
    #: Identity of the fleet: workers look after the runs of their own fleet only.
    fleet: str = "default"
    #: Name of this host, the same for all its workers; empty means the system's.
    host: str = ""
    #: Name of this worker; empty means the host's name with the process id.
    worker: str = ""
    #: Assets that this worker runs at a time; 0 means as many as there are cores.
    slots: int = 0
    #: Queues that this worker takes work from.
    queues: tuple[str, ...] = (GENERAL,)
    #: Slots that the main step of an asset takes, by instance, such as b1.large=2; else 1.
    weights: tuple[str, ...] = ()
    #: A claim that was not renewed for so long is lost. Longer than a garbage collection or a
    #: busy host's pause, short enough that a person waits for the news.
    lease: float = 20.0
    #: A claim is renewed this often: four chances before it is lost.
    lease_renew: float = 5.0
    #: One of the workers looks for the whole fleet's lost work this often.
    reconcile_every: float = 5.0
    #: The broker gives an unacknowledged message to another worker after this time.
    visibility: float = 60.0
    #: An asset has this time between being asked to stop and being killed.
    stop_grace: float = 5.0
    #: The .bruin.yml of this worker; empty means the project's own.
    connections: str = ""
    #: Folders and files of DuckDB and SQLite that all hosts reach; others belong to one host each.
    shared_files: tuple[str, ...] = ()
    #: A step that lost its worker so many times is not tried again: it may be what kills them.
    losses_allowed: int = 3
    #: Signs messages; empty means the key that the catalog holds for all who may read it.
    message_key: str = field(default="", repr=False)
    #: `user:password` of Flower; empty means a new password each time, which is shown.
    flower_auth: str = field(default="", repr=False)
    #: The user that assets run as, where root starts the worker; empty means the worker's own.
    asset_user: str = ""
    #: Variables of the worker's own environment that assets see as well.
    pass_env: tuple[str, ...] = ()
    #: Memory that each process of an asset may use; 0 means no limit.
    asset_memory: int = 0
    #: Processes and threads that the assets' user may have on this host; 0 means no limit.
    asset_processes: int = 0
    #: A file that an asset writes may be this large; 0 means no limit.
    asset_file_size: int = 0
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
    #: Logs of runs that ended so long ago are removed.
    log_max_age: float = 30 * 86_400.0
    #: A seed that is fetched from the web may be this large.
    seed_max_bytes: int = 2**30
    #: Lines of a run that the broker keeps for those who follow; the log file keeps all.
    live_lines: int = 5_000
    #: A bundle of a project's files may be this large.
    bundle_max_bytes: int = 500 * 10**6
    #: A worker keeps unpacked bundles up to this size, least recently used go first.
    bundle_cache_bytes: int = 5 * 2**30
    #: Files that bundles hold although git ignores them.
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
        kinds = {f.name: f.type for f in dataclasses.fields(Settings)}
        flagged, said = from_flags(kinds, flags), from_environ(kinds, environ)
        home = (said | flagged).get("home", default_home(environ))
        file = find_config(environ, config_file, [project, Path.cwd(), home])
        values = {"home": home} | (from_file(kinds, file) if file else {}) | said
        settings = Settings(**(values | flagged))
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
        """Folder in which this host has storage's files; of a URL's those that it works on."""
        if "://" in self.storage:
            name = hashlib.sha256(self.storage.encode()).hexdigest()[:12]
            return self.home / "cache" / name
        return Path(self.storage) if self.storage else self.home / "storage"

    @property
    def bundles(self) -> Path:
        """Folder of unpacked bundles, only for this user."""
        return self.home / "bundles"

    @property
    def work(self) -> Path:
        """Folder of the working copies of runs that have a bundle."""
        return self.home / "work"

    @property
    def host_name(self) -> str:
        """What this host is called in the fleet."""
        return self.host or socket.gethostname()

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


def _check(settings: Settings) -> None:
    for key in ("broker", "results"):
        url = getattr(settings, key)
        if url and urlsplit(url).scheme not in ("redis", "rediss"):
            scheme = urlsplit(url).scheme or "no scheme"
            raise SettingsError(f"{key}: expected a redis:// or rediss:// URL, got {scheme}")
    if settings.message_key and len(settings.message_key) < SHORTEST_KEY:
        raise SettingsError(f"message_key: expected at least {SHORTEST_KEY} characters")
    if settings.flower_auth and not re.fullmatch(r"[^:\s,]+:[^\s,]{8,}", settings.flower_auth):
        raise SettingsError("flower_auth: expected user:password, 8 characters or more, no comma")
    if not 0 < settings.lease_renew * 2 <= settings.lease:
        raise SettingsError(
            f"lease_renew = {settings.lease_renew:g} must be at most half of lease ="
            f" {settings.lease:g} and more than 0, or a claim is lost while it is renewed"
        )
    _check_names(settings)
    try:
        weights_of.parsed(settings.weights)
    except ValueError as error:
        raise SettingsError(f"weights: {error}") from error


def _check_names(settings: Settings) -> None:
    if not settings.fleet or not settings.queues:
        raise SettingsError("fleet and queues must not be empty")
    for name in settings.queues:
        if name != ANY and (why := queue_names.fault(name)):
            raise SettingsError(f"queues: {name!r}: {why}")
    for name in settings.pass_env:
        if name.startswith(PREFIX):
            raise SettingsError(f"pass_env: {name} is a setting of fleet itself: it may be secret")
