"""Runs the ingestr program. Called by workers.loading.

Addresses hold passwords, so they go into the program's environment and never on its command line.
The environment is made from an allow-list: ingestr reads generic names such as PRIMARY_KEY.
"""

import json
import os
import shutil
import sys
import sysconfig
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workers import duckdb_driver, waiting
from workers.context import Log, Stop
from workers.errors import Locked, StepFailed
from workers.masking import Masker
from workers.process_environment import inherited
from workers.pulse import HELD
from workers.settings import Settings
from workers.supervisor import Exit, SupervisorError, mine

TAIL = 200  # lines that are kept for an error
TAIL_SHOWN = 40
_LONGEST = 500  # characters of a headline
_CLOUD = {  # variables with which a platform's own library finds its credentials
    "bigquery": ("GOOGLE_", "CLOUDSDK_"),
    "athena": ("AWS_",),
    "redshift": ("AWS_",),
    "databricks": ("DATABRICKS_",),
    "s3": ("AWS_",),
    "dynamodb": ("AWS_",),
    "kinesis": ("AWS_",),
    "sqs": ("AWS_",),
    "gs": ("GOOGLE_", "CLOUDSDK_"),
    "gsheets": ("GOOGLE_", "CLOUDSDK_"),
    "spanner": ("GOOGLE_", "CLOUDSDK_"),
    "pubsub": ("GOOGLE_", "CLOUDSDK_"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One load. The addresses stay out of repr()."""

    source: str = field(repr=False)
    destination: str = field(repr=False)
    table: str
    source_table: str = "asset_data"
    flags: Sequence[str] = ()
    extra: Mapping[str, str] = field(default_factory=dict)  # more variables
    name: str = "fleet"  # what a server shows for the session
    show: bool = False  # write its lines to the asset's log
    timeout: float = 0.0  # seconds, 0 for none


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What ingestr said: the rows that it read, and what it did with them."""

    rows: int
    seconds: float
    strategy: str = ""
    keys: tuple[str, ...] = ()


def binary(settings: Settings) -> Path:
    """The program: `ingestr` of the settings, else the one installed beside this Python, else on
    PATH. The wheel's script is the program itself, so no second Python starts."""
    if settings.ingestr:
        named = Path(settings.ingestr)
        if named.is_file():
            return named
        raise StepFailed(
            "config", f"there is no ingestr at {named}", hint="see `ingestr` in fleet.toml"
        )
    folders = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent)]
    for folder in folders:
        if (path := Path(folder) / "ingestr").is_file():
            return path
    if found := shutil.which("ingestr"):
        return Path(found)
    raise StepFailed("config", "ingestr is not installed", hint="pip install 'ingestr==1.1.22'")


def run(
    settings: Settings,
    job: Job,
    *,
    cwd: Path,
    log: Log,
    stop: Stop,
    masker: Masker,
    progress: Callable[[Mapping[str, Any]], None],
) -> Report:
    """Load, and return what ingestr reported; StepFailed with its own words if it failed."""
    heard = _Heard(log=log, show=job.show, masker=masker, progress=progress)
    argv = [str(binary(settings)), "ingest", "--source-table", job.source_table]
    argv += ["--dest-table", job.table, "--yes", "--progress", "json", *job.flags]
    with tempfile.TemporaryDirectory(prefix="fleet-load-") as folder:
        env = environment(job, os.environ, folder)
        try:
            ended = mine().run(
                argv,
                env,
                cwd,
                on_line=heard.line,
                stop=stop,
                timeout=job.timeout,
                lease=settings.lease * HELD,
                grace=settings.stop_grace,
            )
        except SupervisorError as error:
            raise StepFailed("load", "ingestr could not be started", detail=str(error)) from error
    return _judged(ended, heard, job)


def environment(job: Job, environ: Mapping[str, str], folder: str) -> dict[str, str]:
    """All that ingestr sees: an allow-list, the addresses, a folder of its own for buffers."""
    schemes = (uri.split(":", 1)[0].split("+")[0] for uri in (job.source, job.destination))
    prefixes = tuple(prefix for scheme in schemes for prefix in _CLOUD.get(scheme, ()))
    cloud = {key: value for key, value in environ.items() if prefixes and key.startswith(prefixes)}
    return {
        **inherited(environ),
        **cloud,
        **job.extra,
        "INGESTR_SOURCE_URI": job.source,
        "INGESTR_DESTINATION_URI": job.destination,
        "INGESTR_DISABLE_TELEMETRY": "true",
        "PGAPPNAME": job.name[:63],
        "TMPDIR": folder,
        "TZ": "UTC",  # intervals are in UTC; the engine must not read them in local time
    }


class _Heard:
    """Takes ingestr's lines: progress to the catalog, the last ones kept for an error."""

    def __init__(
        self,
        *,
        log: Log,
        show: bool,
        masker: Masker,
        progress: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._log = log
        self._show = show
        self._masker = masker
        self._progress = progress
        self.tail: deque[str] = deque(maxlen=TAIL)
        self.first: list[str] = []
        self.start: Mapping[str, Any] = {}
        self.end: Mapping[str, Any] = {}

    def line(self, text: str) -> None:
        """One line of ingestr."""
        event = _event(text)
        kind = event.get("event")
        if kind == "progress":
            self._progress({"rows": event.get("rows", 0)})
            return
        if kind == "start":
            self.start = event
        if kind == "end":
            self.end = event
            return
        said = self._masker.mask(str(event.get("msg", "")) if event else text)
        if len(self.first) < TAIL_SHOWN:
            self.first.append(said)
        self.tail.append(said)
        if self._show:
            self._log.line(said)

    @property
    def error(self) -> str:
        """What went wrong, in ingestr's words, without secrets."""
        return self._masker.mask(str(self.end.get("error") or ""))

    @property
    def detail(self) -> str:
        """The lines around the failure: of a crash the first ones, else the last."""
        lines = self.first if _crash(self.first) else list(self.tail)[-TAIL_SHOWN:]
        return "\n".join([*lines, self.error]).strip()


def _event(text: str) -> Mapping[str, Any]:
    if not text.startswith("{"):
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _crash(lines: Sequence[str]) -> str:
    marks = ("panic:", "fatal error:", "SIG")
    return next((line for line in lines if line.startswith(marks)), "")


_ROUTINE = ("ingestion started", "Naming convention: ", "Column override: ")
_SHORT = 20  # characters; a shorter line may stand in the message by chance


def _judged(ended: Exit, heard: _Heard, job: Job) -> Report:
    if ended.reason == "timeout":
        raise StepFailed(
            "timeout", f"the load took longer than the asset's timeout of {job.timeout:g} s"
        )
    if ended.reason in ("lease", "lost"):
        raise StepFailed("lost", "the worker lost sight of the load")
    if ended.reason:
        raise StepFailed("cancelled", ended.reason)
    if ended.code == 0 and not ended.signal and heard.end.get("status") == "success":
        return _report(heard)
    message = _message(ended, heard)
    detail = "\n".join(beside(message, heard.detail))
    if waiting.in_use(said := f"{message}\n{detail}"):  # it could not even open the file
        raise Locked(f"a database file is open elsewhere ({waiting.holder(said)})", detail=said)
    raise StepFailed("load", message, detail=detail, hint=_hint(heard.detail, job))


def beside(message: str, detail: str) -> Iterator[str]:
    """The lines that add something to the message: ingestr says its error twice."""
    for line in detail.splitlines():
        bare = line.removeprefix("ingestion failed: ").strip()
        repeated = len(bare) > _SHORT and bare in message
        if bare and not repeated and not bare.startswith(_ROUTINE):
            yield line


def _report(heard: _Heard) -> Report:
    keys = heard.start.get("primary_key") or ()
    return Report(
        rows=int(heard.end.get("rows") or 0),
        seconds=float(heard.end.get("duration_sec") or 0),
        strategy=str(heard.start.get("strategy") or ""),
        keys=(keys,) if isinstance(keys, str) else tuple(map(str, keys)),
    )


def _message(ended: Exit, heard: _Heard) -> str:
    if heard.error:
        first, *more = heard.error.removeprefix("ingestion failed: ").splitlines()
        cause = f" {more[-1].strip()}" if more and first.endswith(":") else ""
        return f"ingestr: {first}{cause}"[:_LONGEST]
    if crash := _crash(heard.first):
        return f"ingestr crashed: {crash}"
    if ended.signal:
        return f"ingestr was killed by signal {ended.signal}; the host may be short of memory"
    last = next((line for line in reversed(heard.tail) if line.strip()), "")
    return f"ingestr ended with code {ended.code}: {last[:300]}"


_HINTS = (
    (
        "Ambiguous reference to catalog",
        "DuckDB names the database after its file: give the file another name than the schema",
    ),
    (
        "must be earlier",
        "delete+insert needs an end after the start: see --start-date and --end-date",
    ),
    (duckdb_driver.NEWER, duckdb_driver.NEWER_HINT),
    ("primary key", "columns with `primary_key: true` are the keys"),
    ("incremental key", "name the column in materialization.incremental_key"),
)


def _hint(said: str, job: Job) -> str:
    if job.destination.startswith("duckdb") and _about_driver(said):
        return duckdb_driver.hint()
    return next((hint for mark, hint in _HINTS if mark.lower() in said.lower()), "")


def _about_driver(said: str) -> bool:
    lower = said.lower()
    marks = (
        "libpython",
        "adbc_driver",
        "driver manager",
        "undefined symbol",
        "dbc-cdn",
        "install adbc",
    )
    return any(mark in lower for mark in marks)
