"""dispatcher.commands.schedule: a scheduler goes on while its projects are changed under it."""

from pathlib import Path
from typing import Any

import pytest

from dispatcher import schedules
from dispatcher.commands import schedule
from dispatcher.look import Look
from dispatcher.run_flags import RunFlags
from dispatcher.running import Request
from dispatcher.terminal import Terminal
from tests.support.cli import project


def gone(*_: Any) -> Any:
    """A file went between two looks at it, as while git checks out another commit."""
    raise FileNotFoundError(2, "No such file or directory", "assets/a.py")


def test_a_file_that_goes_while_it_is_read_ends_no_scheduler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told, and looked at again later, by what was read before."""
    folder = project(tmp_path / "p", {"a": "---\nprint(1)\n"})
    (folder / "pipeline.yml").write_text("name: p\nschedule: daily\n")
    found = schedules.find([folder])
    look = Look(terminal=Terminal())
    request = Request(target=(), flags=RunFlags(), overrides={}, look=look)
    monkeypatch.setattr(schedules, "look", gone)
    monkeypatch.setattr(schedules, "find", gone)
    due: Any = schedule._look(None, None, found, request)  # type: ignore[arg-type]
    assert 0 < due <= schedules.LOOK
    assert schedule._again([folder], found, look) == found
    assert capsys.readouterr().err.count("assets/a.py") == 2
