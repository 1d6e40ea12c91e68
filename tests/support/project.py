"""Projects as users write them, for end-to-end tests: files in, tables and processes out."""

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import psutil

from tests.support.attempt import shared_cache

ROOT = Path(__file__).resolve().parents[2]

DUCKDB = """\
environments:
  default:
    connections:
      duckdb:
        - {name: db, path: out.duckdb}
"""

JOURNALED = """\
import os, time

def note(word):
    line = f"{os.environ['BRUIN_ASSET']} {word} {time.monotonic()}\\n"
    with open("journal.txt", "a") as journal:
        journal.write(line)

note("start")
time.sleep(SECONDS)
waited = time.monotonic() + 60
while open("journal.txt").read().count(" start ") < COMPANY and time.monotonic() < waited:
    time.sleep(0.05)
note("end")
"""

ESCAPED = """\
import subprocess, sys, time

# one grandchild in our process group, one that leaves it and ignores polite requests
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", stubborn], start_new_session=True)
print("all started", flush=True)
time.sleep(600)
"""


class Project:
    """A pipeline in a folder of its own."""

    database = "out.duckdb"

    def __init__(self, folder: Path, *, config: str = DUCKDB, pipeline: str = "") -> None:
        self.folder = folder
        (folder / "assets").mkdir(parents=True)
        (folder / ".git").mkdir()  # the project's root, for imports and the working directory
        lines = f"name: {folder.name}\ndefault_connections: {{duckdb: db}}\n{pipeline}"
        (folder / "pipeline.yml").write_text(lines)
        (folder / ".bruin.yml").write_text(config)

    def script(
        self, name: str, code: str = "", *, header: str = "", requirements: str = ""
    ) -> Path:
        """An asset that is run as it stands; requirements put it into a folder of its own."""
        folder = self.folder / "assets" / name if requirements else self.folder / "assets"
        folder.mkdir(exist_ok=True)
        if requirements:
            (folder / "requirements.txt").write_text(requirements)
        path = folder / f"{name}.py"
        path.write_text(f'"""@bruin\nname: {name}\ntype: python\n{header}@bruin"""\n{code}')
        return path

    def table(self, name: str, rows: str, *, header: str = "", requirements: str = "") -> Path:
        """An asset whose materialize() returns the rows that an expression gives."""
        how = "connection: db\nmaterialization: {type: table}\n"
        code = f"def materialize():\n    return {rows}\n"
        return self.script(name, code, header=how + header, requirements=requirements)

    def journaled(self, name: str, seconds: float, *, header: str = "", company: int = 1) -> None:
        """A script that notes when it starts and ends, for a judge outside the system.

        It does not end before so many of the pipeline have started: where they may go on side by
        side they do, however slow the machine is.
        """
        code = JOURNALED.replace("SECONDS", str(seconds)).replace("COMPANY", str(company))
        self.script(name, code, header=header)

    def spans(self) -> list[tuple[float, float]]:
        """When each journaled asset started and ended, in order; all must have ended."""
        begun: dict[str, float] = {}
        found = []
        for line in (self.folder / "journal.txt").read_text().splitlines():
            name, word, moment = line.split()
            if word == "start":
                begun[name] = float(moment)
            else:
                found.append((begun.pop(name), float(moment)))
        assert not begun, begun
        return sorted(found)

    def rows(self, query: str, database: str = "") -> list[tuple[Any, ...]]:
        """What DuckDB itself finds in the database."""
        path = self.folder / (database or self.database)
        with duckdb.connect(str(path), read_only=True) as connection:
            return connection.execute(query).fetchall()


def example(name: str, folder: Path) -> Project:
    """A copy of one of the examples, without what earlier runs of it left."""
    project = Project.__new__(Project)
    project.folder, project.database = folder / name, f"{name}.duckdb"
    left = shutil.ignore_patterns("*.duckdb", "*.wal", "__pycache__")
    shutil.copytree(ROOT / "examples" / name, project.folder, ignore=left)
    (project.folder / ".git").mkdir()
    return project


def overlaps(spans: Sequence[tuple[float, float]]) -> int:
    """How often one span began before an earlier one had ended."""
    ends = [max(end for _, end in spans[:n]) for n in range(1, len(spans))]
    return sum(start < end for (start, _), end in zip(spans[1:], ends, strict=True))


def living_in(folder: Path) -> list[psutil.Process]:
    """The processes that work in a folder: assets and all that they started, however they hid."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and process.cwd() == str(folder):
                found.append(process)
    return found


def lives(process: psutil.Process) -> bool:
    """Whether it runs: it may also go, or become a zombie, between the two questions."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def command_line(process: psutil.Process) -> str:
    """Its command line as `ps` shows it; empty once it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def home(folder: Path) -> Path:
    """A new FLEET_HOME that shares the machine's cache of packages."""
    folder.mkdir(parents=True)
    (folder / "uv-cache").symlink_to(shared_cache())
    return folder
