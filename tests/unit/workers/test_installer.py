"""How uv is called."""

from pathlib import Path

import pytest

from workers import installer
from workers.errors import StepFailed
from workers.settings import Settings


def uv(folder: Path, script: str) -> Settings:
    """Settings with a program of ours in place of uv."""
    path = folder / "uv"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return Settings(home=folder, uv=str(path))


def test_the_environment_is_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes and proxies are kept; what would lead uv elsewhere is not."""
    for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_SYSTEM_PYTHON", "UV_INDEX_URL"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("UV_INDEX_OURS_PASSWORD", "x")
    env = installer.environment(Settings(home=tmp_path))
    assert env["UV_CACHE_DIR"] == str(tmp_path / "uv-cache")
    assert env["PATH"] == installer.PLAIN_PATH
    assert {"UV_INDEX_URL", "UV_INDEX_OURS_PASSWORD"} <= set(env)
    assert not {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_SYSTEM_PYTHON"} & set(env)


def test_output_comes_back(tmp_path: Path) -> None:
    """And arguments arrive as they are."""
    assert installer.uv(uv(tmp_path, 'echo "$2"'), "a", "b c", what="x") == "b c\n"


def test_a_failure_carries_uvs_words(tmp_path: Path) -> None:
    """The first line of them in the message, all of them in the detail."""
    settings = uv(tmp_path, "echo 'Resolved nothing' >&2; echo 'error: no way' >&2; exit 2")
    with pytest.raises(StepFailed) as caught:
        installer.uv(settings, what="requirements.txt cannot be resolved")
    assert caught.value.message == "requirements.txt cannot be resolved: no way"
    assert caught.value.detail == "Resolved nothing\nerror: no way"


def test_a_stop_ends_it(tmp_path: Path) -> None:
    """Without waiting for what it does."""
    with pytest.raises(StepFailed) as caught:
        installer.uv(uv(tmp_path, "sleep 600"), what="x", stop=lambda: "cancelled")
    assert caught.value.kind == "cancelled"


def test_a_missing_binary_is_explained(tmp_path: Path) -> None:
    """The setting may name nothing."""
    with pytest.raises(StepFailed, match="cannot be started"):
        installer.uv(Settings(home=tmp_path, uv="/nonexistent/uv"), what="x")
