"""What an asset's process wrote about its own failure, as values. Called by workers.main_step.

The file is written by workers/inside/report.py in the asset's interpreter, so it is hostile input.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.confinement import read_regular
from workers.errors import Frame

MAX_BYTES = 1024 * 1024
MAX_FRAMES = 20
MAX_TEXT = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The exception that ended an asset: its type, what it said, the user's own frames."""

    type: str
    message: str
    frames: tuple[Frame, ...] = ()

    @property
    def text(self) -> str:
        """One line, such as `ZeroDivisionError: division by zero`."""
        first = self.message.strip().splitlines()[:1]
        return f"{self.type}: {first[0]}" if first else self.type


def read(file: Path, project: Path) -> Failure | None:
    """The failure recorded in `file`, None if there is none that can be understood."""
    try:
        raw = read_regular(file, MAX_BYTES)
    except OSError:
        return None
    try:
        data = json.loads(raw)
        frames = tuple(_frame(item, project) for item in data["frames"][-MAX_FRAMES:])
        return Failure(type=_text(data["type"]), message=_text(data["message"]), frames=frames)
    except (ValueError, KeyError, TypeError):
        return None


def _frame(item: Any, project: Path) -> Frame:
    file = _text(item["file"])
    if os.path.isabs(file) and Path(file).is_relative_to(project):  # noqa: PTH117 - it is a text
        file = Path(file).relative_to(project).as_posix()
    source, function = _text(item["source"]), _text(item["function"])
    return Frame(file=file, line=int(item["line"]), function=function, source=source)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value[:MAX_TEXT]
