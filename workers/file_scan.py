"""Reads a seed's file once, to know what a load could lose of it. Called by workers.seed_facts.

CSV is read by workers.csv_scan, JSON and Parquet here, Avro by ingestr only.
"""

import importlib
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow

from workers import arrow_files, csv_scan
from workers.castable import Column
from workers.column_hints import Hint
from workers.csv_scan import Scan
from workers.sql.names import snake_case

pa: Any = pyarrow  # it brings no types of its own
_LARGEST = 200_000_000  # bytes of JSON that are read into memory
_EXACT = 2**53  # ingestr reads the numbers of JSON as floats
_NUMBERS = ("tinyint", "smallint", "int", "bigint", "double", "decimal")


def scan(path: Path, kind: str, hints: Sequence[Hint]) -> Scan | None:
    """What the file holds, None if only ingestr can read it."""
    if kind == "csv":
        return csv_scan.scan(path, hints)
    if kind == "parquet":
        return _parquet(path, hints)
    rows = records(path, kind)
    return None if rows is None else _json(rows, hints)


def records(path: Path, kind: str) -> list[dict[str, Any]] | None:
    """The rows of a JSON file, None if it is too large or ingestr would not read it as rows."""
    if kind not in ("json", "jsonl") or path.stat().st_size > _LARGEST:
        return None
    try:
        text = path.read_text("utf-8-sig")
        lines = (line for line in text.split("\n") if line.strip())
        rows = json.loads(text) if kind == "json" else [json.loads(line) for line in lines]
    except (ValueError, RecursionError):
        return None
    known = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    return rows if known else None


def _json(rows: list[dict[str, Any]], hints: Sequence[Hint]) -> Scan:
    header = list(dict.fromkeys(itertools.chain.from_iterable(rows)))
    found = Scan(header=header, rows=len(rows))
    for name, column in _columns(found, hints):
        _look(column, [row.get(name) for row in rows])
    long = [name for name in header if any(_is_long(row.get(name)) for row in rows)]
    if long:
        found.said += (
            f"numbers of {', '.join(long)} have more digits than the loader reads from JSON (about "
            "16): write them as texts",
        )
    return found


def _is_long(value: Any) -> bool:
    return type(value) is int and not -_EXACT <= value <= _EXACT


def _columns(found: Scan, hints: Sequence[Hint]) -> Iterator[tuple[str, Column]]:
    """The file's columns that get a type; they are kept in `found`."""
    names = {snake_case(name): name for name in found.header}
    for hint in hints:
        if name := names.get(snake_case(hint.source or hint.name)):
            column = Column(hint)
            found.columns.append(column)
            yield name, column


def _look(column: Column, values: list[Any]) -> None:
    """Take values of JSON; of several types, or of none that Arrow knows, only ingestr can tell."""
    kinds = {type(value) for value in values if value is not None}
    try:
        if kinds <= {str} or kinds <= {bool} or kinds <= {int, float}:
            _take(column, pa.array(values, pa.large_string() if kinds == {str} else None))
            return
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        pass  # a number beyond 64 bits: as other values that we cannot judge
    column.values += sum(value is not None for value in values)
    column.rows += len(values)
    column.doubtful = True


def _take(column: Column, array: Any) -> None:
    column.take(array)
    column.doubtful |= not _judged(array.type, column.hint.type.partition("(")[0])


def _judged(kind: Any, wanted: str) -> bool:
    """Whether workers.castable knows what becomes of such values."""
    types = pa.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_null(kind) or types.is_string(kind) or types.is_large_string(kind):
        return True
    if arrow_files.is_number(kind):
        return wanted in _NUMBERS
    if arrow_files.is_temporal(kind):
        return wanted.partition("_")[0] in ("date", "timestamp")
    return bool(types.is_boolean(kind)) and wanted == "boolean"


def _parquet(path: Path, hints: Sequence[Hint]) -> Scan | None:
    parquet: Any = importlib.import_module("pyarrow.parquet")  # few loads need it
    try:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            found = Scan(header=list(schema.names), rows=file.metadata.num_rows)
            found.lists = tuple(f.name for f in schema if arrow_files.is_list(f.type))
            looks = list(_columns(found, hints))
            if looks and len(set(schema.names)) == len(schema.names):
                for batch in file.iter_batches(columns=[name for name, _ in looks]):
                    for name, column in looks:
                        _take(column, batch.column(name))
            return found
    except (pa.ArrowException, OSError):
        return None  # ingestr says what is wrong with it
