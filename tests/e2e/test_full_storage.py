"""A storage that is full: said by name, tried again as `retries` say, and no half files."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog import engine as engines
from catalog import runs
from tests.support.cli import Cli, until
from tests.support.project import Project, home

pytestmark = pytest.mark.e2e

FILLS = """\
import os, pathlib

def materialize():
    filler, seen = pathlib.Path({filler!r}), pathlib.Path("seen")
    if seen.exists() and {cures}:
        filler.unlink()
    seen.touch()
    return ({{"id": n, "text": os.urandom(50).hex()}} for n in range(3000))
"""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte, nearly full."""
    folder = tmp_path / "small"
    folder.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    made = subprocess.run(argv, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    try:
        (folder / "filler").write_bytes(b"x" * 900_000)
        yield folder
    finally:
        # a worker that was just killed may still hold a file of it
        until(lambda: subprocess.run(["umount", str(folder)], check=False).returncode == 0)


def _fleet(tmp_path: Path, small: Path) -> Cli:
    return Cli(home(tmp_path / "home"), tmp_path, {"FLEET_STORAGE": str(small)})


def _data(small: Path) -> list[Path]:
    """What is left of values, whole or half; empty folders are no files."""
    return [path for path in (small / "runs").rglob("*") if path.is_file()]


@pytest.mark.parametrize("cures", [True, False])
def test_a_value_that_does_not_fit_is_tried_again(
    tmp_path: Path, small: Path, *, cures: bool
) -> None:
    """The second try finds room, or the run ends with the storage's name."""
    project = Project(tmp_path / "shop")
    head = "connection: db\nmaterialization: {type: table}\nretries: 1\n"
    code = FILLS.format(filler=str(small / "filler"), cures=cures)
    project.script("main.rows", code, header=head)
    fleet = _fleet(tmp_path, small)
    done = fleet("run", "shop")
    assert done.returncode == (0 if cures else 1), done.stdout
    engine = engines.connect(f"sqlite:///{fleet.home / 'catalog.db'}")
    tries = runs.attempts(engine, fleet.status()["run"])
    first = next(row for row in tries if row.number == 1)
    assert first.step == "materialize"
    assert re.search(rf"storage {small}\S* is full: No space left", first.error["message"])
    assert _data(small) == []
    if cures:
        assert project.rows("select count(*) from main.rows") == [(3000,)]
    else:
        assert re.search(rf"storage {small}\S* is full", done.stdout), done.stdout
        assert "attempt 2 of 2" in done.stdout
        assert "make room there" in done.stdout


def test_a_project_that_cannot_be_stored_is_no_run(tmp_path: Path, small: Path) -> None:
    project = Project(tmp_path / "shop")
    project.script("hello")
    (project.folder / "noise.bin").write_bytes(os.urandom(400_000))
    fleet = _fleet(tmp_path, small)
    done = fleet("run", "shop", "--bundle")
    assert done.returncode == 1
    assert f"the project cannot be stored: storage {small} is full" in done.stderr
    assert "no runs" in fleet("runs").stdout + fleet("runs").stderr
    assert [path for path in (small / "bundles").rglob("*") if path.is_file()] == []
