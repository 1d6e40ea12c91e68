"""Reads a CSV seed once, to know what a load could lose of it. Called by workers.file_scan."""

import codecs
import csv
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow

from workers.castable import Column, is_typed
from workers.column_hints import Hint
from workers.sql.names import snake_case

pa: Any = pyarrow  # it brings no types of its own
_ROWS = 20_000  # looked at together
_NOTHING = frozenset({"null", "none", "na", "n/a", "#n/a", "\\n"})  # no value, in lower case
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(slots=True)
class Scan:
    """What is in the file: its header, the columns that get a type, rows that are too long.

    `said` is what else is worth saying, `lists` are columns that hold lists.
    """

    header: list[str]
    columns: list[Column] = field(default_factory=list)
    rows: int = 0
    long: int = 0  # rows with values beyond the last column
    first_long: int = 0
    lists: tuple[str, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def notices(self) -> list[str]:
        """What is worth saying about the file."""
        nothing = [
            f"column {c.hint.name!r}: {c.nothing:,} loaded as NULL ({', '.join(sorted(c.spelled))})"
            for c in self.columns
            if c.nothing
        ]
        if not self.long:
            return [*self.said, *nothing]
        return [
            *self.said,
            *nothing,
            f"{_rows(self.long)} more values than the header has columns (the first is row "
            f"{self.first_long:,}): what is beyond the last column is not loaded",
        ]


def _rows(count: int) -> str:
    return "1 row has" if count == 1 else f"{count:,} rows have"


def scan(path: Path, hints: Sequence[Hint]) -> Scan | None:
    """What the file holds, None if it can be read in another way only."""
    csv.field_size_limit(sys.maxsize)
    try:
        with path.open(encoding=encoding(path), newline="", errors="strict") as file:
            return _scanned(csv.reader(file), hints)
    except (csv.Error, UnicodeError):
        return None


def undecodable(path: Path) -> tuple[str, ...]:
    """What is worth saying about a file that is not UTF-8."""
    if encoding(path) != "utf-8":
        return ()
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                what = "what cannot be read becomes \ufffd; save the file as UTF-8"
                return (f"{path.name} is not UTF-8 (first in line {number:,}): {what}",)
    return ()


def encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(3)
    return next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8")


def _scanned(reader: Iterator[list[str]], hints: Sequence[Hint]) -> Scan:
    found = Scan(header=next(filter(None, reader), []))
    places = {snake_case(name): place for place, name in enumerate(found.header)}
    wanted = [(places.get(snake_case(hint.source or hint.name)), hint) for hint in hints]
    taken = [(place, Column(hint)) for place, hint in wanted if place is not None]
    found.columns = [column for _, column in taken]
    rows = (row for row in reader if any(row))  # ingestr leaves empty ones out too
    while chunk := list(itertools.islice(rows, _ROWS)):
        _measure(found, chunk)
        for place, column in taken:
            texts = [_meant(_value(row, place), column) for row in chunk]
            column.take(pa.array(texts, pa.large_string()))
    return found


def _measure(found: Scan, chunk: list[list[str]]) -> None:
    width = len(found.header)
    for number, row in enumerate(chunk, found.rows + 1):
        if len(row) > width and any(row[width:]):
            found.long += 1
            found.first_long = found.first_long or number
    found.rows += len(chunk)


def _value(row: list[str], place: int) -> str | None:
    """The value, None where there is nothing but blanks: that is how ingestr takes it."""
    text = row[place] if place < len(row) else ""
    return text if text.strip() else None


def _meant(text: str | None, column: Column) -> str | None:
    """The text, None where a number, a day or a truth value is spelled as missing: ingestr makes
    NULL of these words as of any other, but here nothing is lost by it."""
    kind = column.hint.type.partition("(")[0]
    if text is None or not is_typed(kind) or text.strip().lower() not in _NOTHING:
        return text
    column.nothing += 1
    column.spelled.add(text.strip())
    return None
