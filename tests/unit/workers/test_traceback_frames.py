"""What an asset's process says about its failure is not believed blindly."""

import json
from pathlib import Path

import pytest

from workers.errors import Frame
from workers.traceback_frames import read


def test_frames_are_relative_to_the_project(tmp_path: Path) -> None:
    """Files elsewhere keep their whole path."""
    frames = [
        {"file": str(tmp_path / "a.py"), "line": 3, "function": "f", "source": "1/0"},
        {"file": "/elsewhere/b.py", "line": 1, "function": "g", "source": ""},
    ]
    file = tmp_path / "failure.json"
    file.write_text(json.dumps({"type": "E", "message": "one\ntwo", "frames": frames}))
    failure = read(file, tmp_path)
    assert failure is not None
    assert failure.text == "E: one"
    assert failure.frames == (
        Frame(file="a.py", line=3, function="f", source="1/0"),
        Frame(file="/elsewhere/b.py", line=1, function="g"),
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"type": 1, "message": "", "frames": []}', "\0"])
def test_nonsense_is_no_failure(tmp_path: Path, text: str) -> None:
    """The process's exit code still is one."""
    file = tmp_path / "failure.json"
    file.write_text(text)
    assert read(file, tmp_path) is None


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A link could name a file that only the worker may read."""
    (tmp_path / "real").write_text('{"type": "E", "message": "", "frames": []}')
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert read(tmp_path / "link", tmp_path) is None
    assert read(tmp_path / "real", tmp_path) is not None
