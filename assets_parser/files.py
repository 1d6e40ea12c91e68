"""Reading the files of a project with bounds; paths that stay inside it. `definition` calls it."""

# paths are text here: a thousand Path objects cost more than reading the files
# ruff: noqa: PTH113, PTH116, PTH118, PTH119, PTH120

import os
import stat
from pathlib import Path

from assets_parser.faults import DefinitionError, Fault
from assets_parser.source import Source

_MOST_BYTES = 64 * 1024 * 1024


def read_text(source: Source, path: str) -> str:
    """The file's text with its line ends as they are; DefinitionError if it cannot be read."""
    try:
        data = _bytes(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot read {os.path.basename(path)}: {reason}"
        raise DefinitionError([Fault(rule="file", message=message, file=source.file)]) from None
    return data.decode(errors="surrogateescape")  # Bruin takes any bytes in a body


def printable(text: str) -> str:
    """The text with a replacement character for each byte that is not UTF-8."""
    if text.isascii():
        return text
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _bytes(path: str) -> bytes:
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError("it is no file")  # a pipe would be waited for
    with Path(path).open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"larger than {_MOST_BYTES} bytes")
    return data


def body_path(source: Source, definition: str, run: str, root: str, line: int) -> str | None:
    """The path of a `run:` file relative to the root; None, with a fault, if it is not usable."""
    if "\0" in run:
        source.fault(None, "run: not a path", rule="run", line=line)
        return None
    joined = os.path.join(os.path.dirname(definition), run.lstrip("/"))
    relative = os.path.relpath(os.path.normpath(joined), root).replace(os.sep, "/")
    if relative.startswith("../"):
        source.fault(None, f"run: {run} lies outside of the project", rule="run", line=line)
        return None
    if not os.path.isfile(os.path.join(root, relative)):
        hint = "the path is relative to this file"
        source.fault(None, f"run: there is no file {relative}", rule="run", line=line, hint=hint)
        return None
    return relative
