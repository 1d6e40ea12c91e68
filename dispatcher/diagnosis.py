"""What `fleet doctor` looks at: each finding says if it is well, what was seen, what helps."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dispatcher import fleets, valkey
from dispatcher.problems import FleetError
from dispatcher.words import duration, size, some
from workers import stores
from workers.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    text: str
    hint: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything; a thing that cannot be looked at is a finding too."""
    for name, look in _EXAMINATIONS.items():
        try:
            yield look(settings)
        except Exception as error:  # whatever is broken is what we are here to tell
            text = f"{type(error).__name__}: {error}".splitlines()[0]
            yield Finding(name=name, ok=False, text=text, hint=getattr(error, "hint", ""))


def _broker(settings: Settings) -> Finding:
    fleet = fleets.existing(settings)
    if fleet is None:
        text = f"none is running; runs start {Path(valkey.binary()).name} by themselves"
        return Finding(name="broker", ok=True, text=text)
    import redis

    client = redis.Redis.from_url(fleet.settings.broker, socket_timeout=5)
    began = time.monotonic()
    client.ping()
    took = (time.monotonic() - began) * 1000
    info = client.info("server")
    version = info.get("valkey_version") or info.get("redis_version")
    place = fleets.place(fleet.settings.broker)
    return Finding(name="broker", ok=True, text=f"{version} at {place}, {took:.1f} ms")


def _workers(settings: Settings) -> Finding:
    from catalog import workers

    fleet = fleets.existing(settings)
    if fleet is None:
        return Finding(name="workers", ok=True, text="none; runs start one by themselves")
    living = workers.living(fleets.catalog(settings), fleet.settings.fleet)
    names = ", ".join(worker.info.name for worker in living)
    hint = "" if living else "fleet worker starts one"
    text = f"{some(len(living), 'worker')} {names}".rstrip()
    return Finding(name="workers", ok=bool(living), text=text, hint=hint)


def _catalog(settings: Settings) -> Finding:
    from catalog import runs

    engine = fleets.catalog(settings)
    count = some(len(runs.recent(engine, 1000)), "run")
    where = engine.url.render_as_string(hide_password=True)
    return Finding(name="catalog", ok=True, text=f"{where}, newest revision, {count}")


def _storage(settings: Settings) -> Finding:
    """One real file, stored and read back."""
    store, name = stores.of(settings), f"doctor/{uuid.uuid4().hex}"
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix="fleet-doctor-", dir=settings.home) as folder:
        file = Path(folder) / "file"
        file.write_bytes(b"x")
        store.publish(file, name)
    read = store.read(name, 0, 1) == b"x"
    store.delete(name)
    if store.words != str(store.folder):
        return Finding(name="storage", ok=read, text=f"{store.words}, stored and read back")
    free = size(shutil.disk_usage(store.folder).free)
    return Finding(name="storage", ok=read, text=f"{store.words}, {free} free, rename works")


def _uv(settings: Settings) -> Finding:
    import uv

    path = settings.uv or uv.find_uv_bin()
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    return Finding(name="uv", ok=True, text=f"{done.stdout.strip()} at {path}")


def _pythons(settings: Settings) -> Finding:
    from workers.pool import Pool

    found = sorted({python.minor for python in Pool(settings).versions()}, key=_number)
    downloads = "others are downloaded" if settings.python_downloads else "no downloads"
    hint = "" if found else "uv python install 3.11"
    text = f"{', '.join(found) or 'none'}; {downloads}"
    return Finding(name="pythons", ok=bool(found), text=text, hint=hint)


def _r(settings: Settings) -> Finding:
    from workers import r_script

    program = r_script.find(settings)
    if program is None:
        absent = "Rscript is not installed: R assets cannot run on this host"
        return Finding(name="R", ok=not settings.rscript, text=absent, hint=r_script.HINT)
    argv = [program, "--version"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True)
    said = (done.stdout or done.stderr).strip().splitlines()[0]
    return Finding(name="R", ok=True, text=f"{said} at {program}")


def _assets(settings: Settings) -> Finding:
    """Who assets are: at the worker's own uid they may read what the worker reads."""
    from workers import confinement
    from workers.settings import SettingsError

    if not settings.asset_user:
        text = "run as the worker's own user, and can read what it reads: connections, its memory"
        hint = "asset_user runs them as another one; see docs/security.md"
        return Finding(name="assets", ok=True, text=text, hint=hint)
    try:
        confinement.check(settings)
    except SettingsError as error:
        return Finding(name="assets", ok=False, text=str(error))
    return Finding(name="assets", ok=True, text=f"run as {settings.asset_user}")


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _load(settings: Settings) -> Finding:
    """One real load of two rows into a DuckDB file, as assets make it."""
    from workers import duckdb_driver

    driver = duckdb_driver.find(settings)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fleet-doctor-") as folder:
        done = _ingest(settings, Path(folder), driver.environment)
    if done.returncode:
        last = (done.stdout.strip() or "it said nothing").splitlines()[-1]
        return Finding(name="load", ok=False, text=last, hint=duckdb_driver.hint())
    took = duration(time.monotonic() - began)
    text = f"ingestr loads into DuckDB in {took}; driver {driver.source}"
    return Finding(name="load", ok=True, text=text)


def _ingest(
    settings: Settings, folder: Path, driver: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    source = folder / "rows.csv"
    source.write_text("id,name\n1,a\n2,b\n")
    binary = settings.ingestr or shutil.which("ingestr", path=_paths()) or "ingestr"
    argv = [binary, "ingest", "--source-table", "rows", "--dest-table", "main.rows", "--yes"]
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "TMPDIR": str(folder)}
    environ |= {
        "INGESTR_SOURCE_URI": f"csv://{source}",
        "INGESTR_DESTINATION_URI": f"duckdb:///{folder / 'rows.duckdb'}",
        "INGESTR_DISABLE_TELEMETRY": "true",
        **driver,
    }
    try:
        return subprocess.run(
            argv,
            env=environ,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
    except FileNotFoundError as error:
        raise FleetError("ingestr is not installed", hint="set FLEET_INGESTR") from error


def _paths() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


_EXAMINATIONS: dict[str, Callable[[Settings], Finding]] = {
    "broker": _broker,
    "workers": _workers,
    "catalog": _catalog,
    "storage": _storage,
    "uv": _uv,
    "pythons": _pythons,
    "R": _r,
    "assets": _assets,
    "load": _load,
}
