"""How an asset failed: its traceback without our frames, on stderr and as JSON for the worker."""

from __future__ import annotations

import json
import os
import sys
import traceback
from types import TracebackType
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
FROZEN = "<frozen "


def trimmed(tb: TracebackType | None) -> TracebackType | None:
    """The traceback from the user's first frame on; the whole one if there is none of theirs."""
    first = tb
    while first is not None and _ours(first.tb_frame.f_code.co_filename):
        first = first.tb_next
    return first


def _ours(file: str) -> bool:
    return file.startswith((HERE, FROZEN))


def show(error: BaseException) -> None:
    """Print it as Python would, through the user's own excepthook if they set one."""
    tb = trimmed(error.__traceback__)
    _trim_chain(error)
    sys.stdout.flush()
    sys.excepthook(type(error), error.with_traceback(tb), tb)
    sys.stderr.flush()


def _trim_chain(error: BaseException) -> None:
    seen: set[int] = set()
    todo: list[BaseException | None] = [error.__cause__, error.__context__]
    while todo:
        one = todo.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = trimmed(one.__traceback__)
            todo += [one.__cause__, one.__context__]


def write(error: BaseException, path: str) -> None:
    """Write type, message and frames for the worker; a full disk must not hide the real error."""
    data = {"type": type(error).__name__, "message": _message(error), "frames": _frames(error)}
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
            json.dump(data, file)
    except OSError as failure:
        sys.stderr.write("fleet: the failure could not be recorded: %s\n" % failure)


def _message(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return str(error.msg)
    try:
        return str(error)
    except Exception:
        return "(its text cannot be shown)"


def _frames(error: BaseException) -> list[dict[str, Any]]:
    found = [
        _frame(entry.filename, entry.lineno, entry.name, entry.line)
        for entry in traceback.extract_tb(error.__traceback__)
        if _theirs(entry.filename)
    ]
    if isinstance(error, SyntaxError) and error.filename:
        found.append(_frame(error.filename, error.lineno, "<module>", error.text))
    return found


def _theirs(file: str) -> bool:
    """Whether the code is the user's own: neither ours nor installed."""
    parts = file.split(os.sep)
    installed = file.startswith((sys.base_prefix + os.sep, sys.prefix + os.sep))
    return not (_ours(file) or installed or "site-packages" in parts or file.startswith("<"))


def _frame(file: str, line: int | None, function: str, source: str | None) -> dict[str, Any]:
    text = (source or "").strip()
    return {"file": os.path.abspath(file), "line": line or 0, "function": function, "source": text}
