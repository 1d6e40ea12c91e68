"""Tables: a header in lower case, two spaces between columns, no boxes."""

from collections.abc import Sequence

import click

from dispatcher.terminal import Terminal


def show(
    terminal: Terminal, header: Sequence[str], rows: Sequence[Sequence[str]], *, right: str = ""
) -> None:
    """Print rows under their header; `right` names the columns that are aligned to the right."""
    for line in render(header, rows, right=right):
        terminal.line(line)


def render(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: str = "") -> list[str]:
    """The lines of a table; cells may hold colour codes."""
    widths = [max(_width(r[n]) for r in (header, *rows)) for n in range(len(header))]
    rights = [name in right.split() for name in header]
    return [_line(row, widths, rights) for row in (header, *rows) if any(row)]


def columns(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Aligned lines without a header."""
    if not rows:
        return []
    widths = [max(_width(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [_line(row, widths, [n in right for n in range(len(row))]) for row in rows]


def _line(row: Sequence[str], widths: Sequence[int], rights: Sequence[bool]) -> str:
    cells = zip(row, widths, rights, strict=True)
    return "  ".join(_pad(cell, width, right) for cell, width, right in cells).rstrip()


def _pad(cell: str, width: int, right: bool) -> str:
    blank = " " * (width - _width(cell))
    return blank + cell if right else cell + blank


def _width(cell: str) -> int:
    return len(click.unstyle(cell))
