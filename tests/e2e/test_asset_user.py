"""Assets as another user, with limits: a real run, and what it cannot reach. Needs root."""

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import Cli, until
from tests.support.project import Project, home

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start assets as another user"),
    pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="no Python for everybody"),
]

USER = "nobody"
PASSWORD = "the-password-of-the-warehouse"
CONFIG = f"""\
environments:
  default:
    connections:
      duckdb: [{{name: db, path: out.duckdb}}]
      generic: [{{name: unasked, value: {PASSWORD}}}]
"""
#: Tries to read what is not its own, and to write where others read.
SPY = """\
import glob, os

def tries(what, path, mode="rb", needle=b""):
    try:
        with open(path, mode) as file:
            if mode == "rb" and (not (data := file.read(1_000_000)) or needle not in data):
                return
        print("FOUND", what)
    except OSError:
        pass

home = os.environ["SPIED"]
for path in glob.glob("/proc/[0-9]*/environ"):
    if path != f"/proc/{os.getpid()}/environ":  # of this fleet: there may be another one here
        tries("an environment", path, needle=home.encode())
for pattern in ("run/*", "run/*/*", "storage/*/*/*", "logs/*", "catalog.db*"):
    for path in glob.glob(f"{home}/{pattern}"):
        if os.path.isfile(path):
            tries("fleet's files", path)
tries("fleet's files", f"{home}/catalog.db")
tries("the connections", ".bruin.yml")
for pattern in ("envs/*/pyvenv.cfg", "envs/*/bin/python", "uv-cache/CACHEDIR.TAG"):
    for path in glob.glob(f"{home}/{pattern}"):
        if os.access(path, os.W_OK):
            print("FOUND a place to write")
if os.access(home, os.W_OK) or os.access(f"{home}/envs", os.W_OK):
    print("FOUND a place to write")
for line in open("/proc/self/status"):
    if line.startswith(("Uid:", "Groups:", "NoNewPrivs:")):
        print("STATUS", *line.split())
open(os.path.join(os.environ["TMPDIR"], "mine"), "w").close()
open(os.path.join(os.environ["HOME"], "mine"), "w").close()
"""
MEMORY = "held = []\nwhile True:\n    held.append(bytearray(10_000_000))\n"
FORKS = """\
import os, sys, time
children = []
try:
    for _ in range(200):
        if (pid := os.fork()) == 0:
            time.sleep(30)
            os._exit(0)
        children.append(pid)
finally:
    for pid in children:
        os.kill(pid, 9)
"""
FILES = """\
import os
with open(os.path.join(os.environ["TMPDIR"], "big"), "wb") as file:
    for _ in range(60):
        file.write(bytes(1_000_000))
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may pass through, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="fleet-user-"))
    folder.chmod(0o755)
    yield folder
    until(lambda: _removed(folder))


def _removed(folder: Path) -> bool:
    """What was just killed may still come or go there."""
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def _cli(place: Path, **settings: str) -> Cli:
    """The command with Pythons that everybody may run."""
    quick = {"FLEET_STOP_GRACE": "1", "PATH": "/usr/bin:/bin", "PYENV_ROOT": "/nowhere"}
    return Cli(home(place / "home"), place, quick | settings)


def _spying(place: Path) -> Project:
    project = Project(place / "shop", config=CONFIG)
    (project.folder / ".bruin.yml").chmod(0o600)
    project.table("main.first", "[{'id': 1}, {'id': 2}]", header=UNIQUE)
    spied = f"depends: [main.first]\nenvironment: {{SPIED: {place / 'home'}}}\n"
    code = f"import os\nos.environ['SPIED'] = {str(place / 'home')!r}\n" + SPY
    project.script("spy", code, header=spied.partition("\n")[0] + "\n")
    return project


UNIQUE = "columns:\n  - {name: id, type: integer, checks: [{name: unique}]}\n"


def test_a_run_works_and_its_assets_reach_nothing_of_the_workers(place: Path) -> None:
    """Materialized, loaded and checked; the spy finds nothing that the same uid would find."""
    project = _spying(place)
    done = _cli(place, FLEET_ASSET_USER=USER)("run", "shop", "--full-refresh")
    assert done.returncode == 0, done.stdout + done.stderr
    assert project.rows("select count(*) from main.first") == [(2,)]
    status = [line.partition("STATUS ")[2] for line in done.stdout.splitlines() if "STATUS" in line]
    uid = str(pwd.getpwnam(USER).pw_uid)
    assert status[0].split()[1:] == [uid] * 4
    assert status[-1] == "NoNewPrivs: 1"
    assert "0" not in status[1].split()[1:], "root's groups were kept"
    assert "FOUND" not in done.stdout, done.stdout


def test_the_same_uid_reaches_all_of_it(place: Path) -> None:
    """The spy sees well; and no process gains rights even here."""
    _spying(place)
    done = _cli(place, TMPDIR=str(place))("run", "shop")
    assert done.returncode == 0, done.stdout + done.stderr
    for what in ("an environment", "fleet's files", "the connections", "a place to write"):
        assert f"FOUND {what}" in done.stdout, what
    assert "STATUS NoNewPrivs: 1" in done.stdout


def test_limits_end_in_words_that_name_them(place: Path) -> None:
    """A memory bomb, a fork bomb and an endless file."""
    project = Project(place / "shop")
    project.script("memory", MEMORY)
    project.script("forks", FORKS)
    project.script("files", FILES)
    limits = {"MEMORY": "400MB", "PROCESSES": "40", "FILE_SIZE": "50MB"}
    given = {f"FLEET_ASSET_{name}": value for name, value in limits.items()}
    # one at a time: the system counts the processes of a user, not those of one asset
    done = _cli(place, FLEET_ASSET_USER=USER, **given)("run", "shop", "--workers", "1")
    said = done.stdout + done.stderr
    assert done.returncode == 1
    for words in (
        "MemoryError",
        "this worker allows memory for each process 400 MB (asset_memory)",
        "BlockingIOError",
        "this worker allows processes and threads 40 (asset_processes)",
        "File too large",
        "this worker allows a file 50 MB (asset_file_size)",
    ):
        assert words in said, said


def test_a_home_that_the_user_cannot_reach_is_said_at_the_start(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    cli = Cli(home(closed / "home"), place, {"FLEET_ASSET_USER": USER})
    given = {"FLEET_BROKER": "redis://127.0.0.1:1/0"}
    done = Cli(cli.home, place, {**cli.environ, **given})("worker")
    assert done.returncode == 2
    assert f"it may not pass through {closed}" in done.stderr


@pytest.mark.parametrize("what", ["storage", "connections"])
def test_what_the_user_could_read_is_said_at_the_start(place: Path, what: str) -> None:
    """The outputs of other assets, and the connections of all."""
    shared = place / what
    shared.mkdir() if what == "storage" else shared.write_text("{}")
    given = {"FLEET_ASSET_USER": USER, "FLEET_BROKER": "redis://127.0.0.1:1/0"}
    given[f"FLEET_{what.upper()}"] = str(shared)
    done = Cli(home(place / "home"), place, given)("worker")
    assert done.returncode == 2
    assert f"it may read {what}, {shared}" in done.stderr
