"""Which Python an asset gets."""

import os
import sys
from pathlib import Path

import pytest

from workers import pool as pools
from workers.errors import StepFailed
from workers.pool import CACHE_NAME, Pool
from workers.settings import Settings

OWN = "{}.{}".format(*sys.version_info[:2])


def fake(folder: Path, name: str, version: str) -> Path:
    """A program that answers as an interpreter of this version would."""
    path = folder / name / "bin" / "python3"
    path.parent.mkdir(parents=True)
    path.write_text(f'#!/bin/sh\necho \'["{version}", "cpython", "linux-x86_64", "glibc"]\'\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def pythons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty pyenv, and nothing on PATH."""
    folder = tmp_path / "pyenv" / "versions"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path / "shims"))
    return folder


def pool(tmp_path: Path) -> Pool:
    """A pool that may not download."""
    return Pool(Settings(home=tmp_path / "home", python_downloads=False))


def test_the_newest_patch_of_the_version_wins(pythons: Path, tmp_path: Path) -> None:
    """3.9.10 is newer than 3.9.9."""
    fake(pythons, "3.9.9", "3.9.9")
    newest = fake(pythons, "3.9.10", "3.9.10")
    found, notice = pool(tmp_path).find("3.9")
    assert (found.version, found.path, found.source, notice) == ("3.9.10", newest, "pyenv", "")


def test_what_does_not_run_is_passed_over(pythons: Path, tmp_path: Path) -> None:
    """Such as a shim of a version that is not chosen."""
    fake(pythons, "3.9.9", "3.9.9").write_text("#!/bin/sh\nexit 127\n")
    with pytest.raises(StepFailed) as caught:
        pool(tmp_path).find("3.9")
    assert OWN in caught.value.message
    assert "python_downloads" in caught.value.detail


def test_requires_python_lets_another_version_do(pythons: Path, tmp_path: Path) -> None:
    """With a notice that says so."""
    fake(pythons, "3.12.1", "3.12.1")
    found, notice = pool(tmp_path).find("3.10", ">=3.12,<3.13")
    assert found.version == "3.12.1"
    assert "3.10 is not on this worker" in notice


def test_answers_are_remembered_until_the_file_changes(pythons: Path, tmp_path: Path) -> None:
    """A second pool asks nobody."""
    path = fake(pythons, "3.9.9", "3.9.9")
    first, _ = pool(tmp_path).find("3.9")
    before = path.stat()
    path.write_text(path.read_text().replace("3.9.9", "3.8.8"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert pool(tmp_path).find("3.9")[0] == first
    assert (tmp_path / "home" / CACHE_NAME).exists()


def test_who_did_not_answer_in_time_is_asked_again(
    pythons: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host was busy for a moment: that is nothing to be remembered."""
    path, busy = fake(pythons, "3.9.9", "3.9.9"), tmp_path / "busy"
    wait = f"while [ -e {busy} ]; do /bin/sleep 0.1; done\n"
    path.write_text(path.read_text().replace("echo", f"{wait}echo"))
    busy.touch()
    monkeypatch.setattr(pools, "PROBE_TIMEOUT", 0.3)
    with pytest.raises(StepFailed):
        pool(tmp_path).find("3.9")
    monkeypatch.setattr(pools, "PROBE_TIMEOUT", 240.0)
    busy.unlink()
    assert pool(tmp_path).find("3.9")[0].version == "3.9.9"


def test_versions_lists_our_own(tmp_path: Path) -> None:
    """The interpreter that runs the worker is always there."""
    assert OWN in {found.minor for found in pool(tmp_path).versions()}
