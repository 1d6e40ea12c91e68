"""Refused or not: recorded `bruin run` command lines, answered by `fleet plan` without any fleet.

What Bruin refuses (validation, command line, configuration) is refused here, and nothing else is.
"""

import base64
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dispatcher import cli
from tests.support import replaying

_NEEDS_A_FLEET = {"--continue"}  # what ran before is in the catalog of a fleet
_PLACES = {"{{PG_HOST}}": "localhost", "{{PG_PORT}}": "5432", "{{PG_USER}}": "u"}


def _planned(step: Mapping[str, Any]) -> bool:
    return step.get("kind", "run") == "run" and not _NEEDS_A_FLEET & set(step["args"])


def _cases() -> list[Any]:
    return [
        pytest.param(case, id=case["id"])
        for case in replaying.cases()
        if any(_planned(step) for step in case["steps"])
    ]


class Folder:
    """A project that changes as a case's steps say."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def text(self, text: str) -> str:
        """The text with the places that the recording left open filled in."""
        for name, value in {"{{ROOT}}": str(self.root), **_PLACES}.items():
            text = text.replace(name, value)
        return text

    def write(self, files: Mapping[str, str]) -> None:
        """Write texts."""
        for name, text in files.items():
            self._put(name, self.text(text).encode())

    def write_bytes(self, files: Mapping[str, str]) -> None:
        """Write what base64 stands for."""
        for name, text in files.items():
            self._put(name, base64.b64decode(text))

    def delete(self, paths: list[str]) -> None:
        """Remove files."""
        for path in paths:
            (self.root / path).unlink()

    def commit(self, branch: str) -> None:
        """Commit all changes, on a new branch if one is named."""
        if branch:
            self._git("checkout", "-q", "-b", branch)
        self._git("add", "-A")
        self._git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "x")

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", "-C", str(self.root), *arguments], check=True, capture_output=True)

    def start(self, *, commit: bool) -> None:
        """A repository, with what is there committed if the recording had it so."""
        self._git("init", "-q", "-b", "main")
        if commit:
            self.commit("")

    def _put(self, name: str, data: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.mark.conformance
@pytest.mark.parametrize("case", _cases())
def test_a_command_line_is_refused_exactly_when_bruin_refuses_it(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    folder.write(case["files"])
    folder.write_bytes(case.get("files_b64", {}))
    folder.start(commit=bool(case.get("git_commit")))
    for step in case["steps"]:
        if step.get("kind", "run") != "run":
            _change(folder, step)
        elif _planned(step):
            refused = _refused(folder, step, monkeypatch)
            assert refused == (step["expect"].get("error_kind") == "refused"), step["args"]


def _change(folder: Folder, step: Mapping[str, Any]) -> None:
    if step["kind"] == "write":
        folder.write(step["files"])
    elif step["kind"] == "delete":
        folder.delete(step["paths"])
    elif step["kind"] == "commit":
        folder.commit(step.get("branch", ""))


def _refused(folder: Folder, step: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> bool:
    with monkeypatch.context() as patch:
        patch.chdir(folder.root / step.get("cwd", "."))
        patch.setenv("FLEET_HOME", str(folder.root / "home"))
        for name, value in step.get("env", {}).items():
            patch.setenv(name, folder.text(value))
        arguments = [folder.text(argument) for argument in step["args"]]
        return cli.run(["plan", "--json", *arguments]) != 0
