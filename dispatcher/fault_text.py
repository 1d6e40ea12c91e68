"""Faults of definitions as a compiler shows them: place, rule, the line itself, a hint."""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from assets_parser.faults import Fault, Severity
from dispatcher.terminal import Terminal, printable
from dispatcher.words import some

_TAB = 4
_NARROW = 20  # columns; a line is not cut to less


def show(terminal: Terminal, faults: Iterable[Fault], root: Path, *, warnings: bool = True) -> None:
    """Print the faults to stderr, in the order of their files and lines."""
    read = cache(_lines_of)
    shown = [fault for fault in faults if warnings or fault.severity is Severity.ERROR]
    for fault in sorted(shown, key=lambda f: (f.file, f.line, f.column)):
        for line in render(terminal, fault, read(root / fault.file) if fault.file else []):
            terminal.note(line)
        if terminal.github:
            terminal.note(annotation(fault))


def render(terminal: Terminal, fault: Fault, source: Sequence[str]) -> list[str]:
    """The lines that show one fault; `source` holds the lines of its file."""
    color = "red" if fault.severity is Severity.ERROR else "yellow"
    place = terminal.style(":".join(_place(fault)), bold=True)
    severity = terminal.style(str(fault.severity), color, bold=True)
    head = f"{place} {severity} {fault.rule}  {printable(fault.message)}"
    quoted = _quote(terminal, fault, source, color)
    return [head, *(quoted or _hint_only(terminal, fault))]


def count(faults: Sequence[Fault], assets: int) -> str:
    """`1 error, 1 warning in 14 assets`."""
    errors = sum(fault.severity is Severity.ERROR for fault in faults)
    warnings = len(faults) - errors
    parts = [some(errors, "error")] if errors else []
    parts += [some(warnings, "warning")] if warnings else []
    return f"{', '.join(parts) or 'no faults'} in {some(assets, 'asset')}"


def annotation(fault: Fault) -> str:
    """The fault in the form that GitHub shows beside the code."""
    level = "error" if fault.severity is Severity.ERROR else "warning"
    text = printable(f"{fault.rule}: {fault.message} {fault.hint}").replace("%", "%25")
    return f"::{level} file={fault.file},line={fault.line or 1}::{text.strip()}"


def _place(fault: Fault) -> list[str]:
    numbers = [str(number) for number in (fault.line, fault.column) if number]
    return [fault.file or "pipeline", *numbers]


def _quote(terminal: Terminal, fault: Fault, source: Sequence[str], color: str) -> list[str]:
    if not 0 < fault.line <= len(source):
        return []
    line = printable(source[fault.line - 1].expandtabs(_TAB).rstrip())
    margin = f"{fault.line:>5} | "
    start, width = _span(fault, line)
    if terminal.tty:
        line, start, width = _window(line, start, width, terminal.width - len(margin) - 1)
    below = " " * (len(margin) - 2) + terminal.style("| ", "blue")
    marked = below + " " * start + terminal.style("^" * width, color)
    quoted = [terminal.style(margin, "blue") + line]
    hint = printable(fault.hint)
    if hint and terminal.tty and len(margin) + start + width + len(hint) + 2 >= terminal.width:
        return [
            *quoted,
            marked,
            *(below + part for part in terminal.wrap(hint, indent=len(margin))),
        ]
    return [*quoted, f"{marked}  {hint}" if hint else marked]


def _window(line: str, start: int, width: int, room: int) -> tuple[str, int, int]:
    """The part of a long line in which the fault is; `…` stands for what does not fit."""
    if len(line) <= room or room < _NARROW:
        return line, start, width
    width = min(width, room - 2)
    left = max(0, min(start - room // 3, len(line) - room), start + width + 1 - room)
    shown = line[left : left + room]
    shown = "…" + shown[1:] if left else shown
    more = left + room < len(line)
    return shown[:-1] + "…" if more else shown, start - left, width


def _span(fault: Fault, line: str) -> tuple[int, int]:
    """Where the fault is in its line: the quoted word of the message, else what the line says."""
    for word in fault.message.split("'")[1::2]:
        if word and (at := line.find(word)) >= 0:
            return at, len(word)
    indent = len(line) - len(line.lstrip())
    start = fault.column - 1 if 0 < fault.column <= len(line) else indent
    return start, max(1, len(line) - start)


def _hint_only(terminal: Terminal, fault: Fault) -> list[str]:
    return [terminal.style(f"      {printable(fault.hint)}", dim=True)] if fault.hint else []


def _lines_of(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []  # the fault may be that the file is not there
