"""What the terminal can do, and how to write to it. Built once per command; knows no pipeline."""

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping
from typing import TextIO

import click

from dispatcher.words import SIGNS

_NARROW = 20  # columns that a text gets at least
_COLORS = re.compile(r"\x1b\[[0-9;]*m")


class Terminal:
    """Where output goes: stdout holds data, stderr everything else; colour only repeats words."""

    def __init__(
        self,
        *,
        out: TextIO | None = None,
        err: TextIO | None = None,
        environ: Mapping[str, str] | None = None,
        color: bool | None = None,
    ) -> None:
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        self.environ = os.environ if environ is None else environ
        self.tty = _is_tty(self.out) and self.environ.get("TERM") != "dumb"
        self.color = _wants_color(self.environ, self.tty) if color is None else color
        self.unicode = _has_unicode(self.out)

    @property
    def width(self) -> int:
        """Columns; a pipe is as wide as it needs to be."""
        return shutil.get_terminal_size().columns if self.tty else 160

    @property
    def height(self) -> int:
        """Lines of the terminal."""
        return shutil.get_terminal_size().lines

    @property
    def github(self) -> bool:
        """Whether GitHub's runner reads the output."""
        return self.environ.get("GITHUB_ACTIONS") == "true"

    def line(self, text: str = "") -> None:
        """Write one line to stdout, at once."""
        self._write(self.out, text)

    def note(self, text: str) -> None:
        """Write one line to stderr."""
        self._write(self.err, text)

    def style(self, text: str, color: str = "", *, bold: bool = False, dim: bool = False) -> str:
        """The text in colour, if the terminal wants colour."""
        if not self.color or not text:
            return text
        return click.style(text, fg=color or None, bold=bold or None, dim=dim or None)

    def sign(self, state: str) -> str:
        """The sign of a state, in its colour."""
        mark, plain, color = SIGNS.get(state, ("?", "?", ""))
        return self.style(mark if self.unicode else plain, color)

    def cut(self, line: str, spare: int = 1) -> str:
        """The line as far as the terminal is wide, so that nothing wraps; a pipe gets all of it."""
        plain = click.unstyle(line)
        room = self.width - spare
        if not self.tty or len(plain) <= room:
            return line
        kept = plain[: room - 1]
        return kept + "…" if kept[-1:].strip() else kept.rstrip() + " …"

    def wrap(self, text: str, hint: str = "", *, indent: int = 0) -> list[str]:
        """The text and its hint as lines that fit beside an indent; one line for a pipe."""
        whole = f"{text}    {hint}" if hint else text
        room = max(self.width - indent - 1, _NARROW)
        if not self.tty or len(whole) <= room:
            return [whole]
        return [line for part in (text, hint) for line in _words_of(part, room)] or [""]

    def text(self, text: str) -> str:
        """The text with what this terminal cannot show replaced."""
        return text if self.unicode else _ascii(text)

    def _write(self, stream: TextIO, text: str) -> None:
        stream.write(self.text(text) + "\n")
        stream.flush()


def _words_of(text: str, room: int) -> list[str]:
    """Lines that break between words only: a path that is longer stays whole, to be copied."""
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)


def printable(text: str) -> str:
    """The text without colours and control characters, which could do things to the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\t" else " " for c in _COLORS.sub("", text))


def _ascii(text: str) -> str:
    for fancy, plain in (("·", "-"), ("…", "~"), ("━", "="), ("╸", ">"), ("–", "-")):  # noqa: RUF001
        text = text.replace(fancy, plain)
    return text.encode("ascii", "replace").decode()


def _is_tty(stream: TextIO) -> bool:
    return bool(getattr(stream, "isatty", bool)())


def _wants_color(environ: Mapping[str, str], tty: bool) -> bool:
    if environ.get("NO_COLOR"):
        return False
    return tty or bool(environ.get("FORCE_COLOR") or environ.get("CLICOLOR_FORCE"))


def _has_unicode(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", "") or "").lower().replace("-", "") in {"utf8", "utf16"}
