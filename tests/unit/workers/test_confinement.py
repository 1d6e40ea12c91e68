"""What an asset left is hostile: only regular files of a bounded size are read."""

import os
from pathlib import Path

import pytest

from workers import confinement
from workers.confinement import NotRegular
from workers.settings import Settings, SettingsError


def test_a_regular_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "result").write_bytes(b"said")
    assert confinement.read_regular(tmp_path / "result", 10) == b"said"


def test_links_pipes_and_folders_are_not(tmp_path: Path) -> None:
    """A pipe would hold the worker for ever; a link would show it a file of its own."""
    secret = tmp_path / "secret"
    secret.write_text("x")
    (tmp_path / "soft").symlink_to(secret)
    os.link(secret, tmp_path / "hard")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("soft", "hard", "pipe", "folder"):
        with pytest.raises(OSError):
            confinement.read_regular(tmp_path / name, 10)


def test_what_is_too_large_is_not(tmp_path: Path) -> None:
    (tmp_path / "result").write_bytes(b"x" * 11)
    with pytest.raises(NotRegular, match="at most 10 bytes"):
        confinement.read_regular(tmp_path / "result", 10)


def test_a_user_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="this host has no user 'nobody-at-all'"):
        confinement.check(Settings(home=tmp_path, asset_user="nobody-at-all"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"message_key": "short"}, "message_key: expected at least 16 characters"),
        ({"flower_auth": "user"}, "flower_auth: expected user:password"),
        ({"flower_auth": "user:short"}, "flower_auth: expected user:password"),
    ],
)
def test_secrets_that_could_be_guessed_are_refused(
    tmp_path: Path, given: dict[str, str], words: str
) -> None:
    """Without showing them."""
    with pytest.raises(SettingsError, match=words) as refused:
        Settings.load({"FLEET_CONFIG": ""}, {"home": tmp_path} | given)
    assert "short" not in str(refused.value)
