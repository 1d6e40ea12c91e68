"""Rules about seeds: a file that is there, of a type that can be read, with the columns declared.

Only the header of a local CSV file is read. What is behind an address is left to the run.
"""

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TextIO

from assets_parser.faults import Fault
from assets_parser.model import Asset, Pipeline
from assets_parser.rules.places import at_asset, warn_asset, word_of
from assets_parser.suggestions import did_you_mean
from assets_parser.templates import is_template

_RULE = "assets-seed-validation"
FILE_TYPES = ("csv", "parquet", "pq", "json", "jsonl", "ndjson", "avro")
_REMOTE = ("http://", "https://")
_LONGEST = 1_000_000  # characters of a header


class _Unreadable(Exception):
    """The header cannot be read; the text says why."""


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of each seed."""
    for asset in pipeline.assets:
        if asset.type.endswith(".seed"):
            if asset.materialization.type:
                message = "a seed has no materialization: it always replaces its table"
                yield at_asset(asset, _RULE, message, field="materialization.type")
            yield from _file(asset, Path(pipeline.root))


def _file(asset: Asset, root: Path) -> Iterator[Fault]:
    path, kind = word_of(asset, "path"), word_of(asset, "file_type").lower()
    if kind and kind not in FILE_TYPES and not is_template(kind):
        hint = did_you_mean(kind, FILE_TYPES) or f"there are {', '.join(FILE_TYPES)}"
        message = f"'{kind}' is not a type of file that seeds have"
        yield at_asset(asset, _RULE, message, field="parameters.file_type", hint=hint)
    elif not path:
        hint = "add: parameters: {path: FILE}, relative to this file"
        yield at_asset(asset, _RULE, "the seed names no file", field="parameters", hint=hint)
    elif not path.lower().startswith(_REMOTE) and not is_template(path):
        yield from _local(asset, root, path, kind)


def _local(asset: Asset, root: Path, path: str, kind: str) -> Iterator[Fault]:
    try:
        file = root / PurePosixPath(asset.path).parent / path.lstrip("/")
        there = file.is_file()
    except (OSError, ValueError):  # too long a name, a zero byte
        there = False
    if not there:
        hint = "the path is relative to this file"
        message, place = f"there is no file '{path}'", "parameters.path"
        yield at_asset(asset, _RULE, message, field=place, hint=hint)
    elif (kind or _suffix(path)) == "csv":
        yield from _columns(asset, file)


def _suffix(path: str) -> str:
    """The type that the name tells; what it does not tell is read as CSV."""
    suffix = PurePosixPath(path).suffix.lower().lstrip(".")
    return suffix if suffix in FILE_TYPES else "csv"


def _columns(asset: Asset, file: Path) -> Iterator[Fault]:
    try:
        header = _header(file)
    except _Unreadable as why:
        message = f"the header of '{file.name}' cannot be read: {why}"
        yield at_asset(asset, _RULE, message, field="parameters.path")
        return
    there = {name.lower() for name in header}
    for index, column in enumerate(asset.columns):
        wanted = {column.name.lower(), (column.source_column or column.name).lower()}
        if wanted & there:
            continue
        message = f"column '{column.name}' is not in the header of {file.name}"
        place, line = f"columns.{index}", column.line
        if column.name.lower() in {name.strip().lower() for name in header}:
            hint = "the header has blanks around the name"
            yield warn_asset(asset, _RULE, message, field=place, line=line, hint=hint)
        else:
            hint = did_you_mean(column.name, header)
            yield at_asset(asset, _RULE, message, field=place, line=line, hint=hint)


def _header(file: Path) -> list[str]:
    """The names in the first record that is not blank."""
    try:
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            return next((row for row in csv.reader(islice(_lines(stream), 1000)) if row), [])
    except OSError as error:
        raise _Unreadable(error.strerror) from None
    except csv.Error as error:
        raise _Unreadable(str(error)) from None


def _lines(stream: TextIO) -> Iterator[str]:
    while line := stream.readline(_LONGEST + 1):
        if len(line) > _LONGEST:
            raise _Unreadable(f"its line is longer than {_LONGEST} characters")
        yield line
