"""Copies of seeds' files that ingestr reads as the file was meant. Called by workers.seed_step.

It loses the values of renamed columns of CSV and JSON, makes no table of a header alone, and
refuses moments with digits below a microsecond.
"""

import csv
import importlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.ipc

from workers import csv_scan, file_scan
from workers.column_hints import Hint
from workers.errors import StepFailed
from workers.seed_facts import Seed
from workers.sql.names import resolve, snake_case

pa: Any = pyarrow  # it brings no types of its own

RENAMES = frozenset({"csv", "json", "jsonl"})  # where ingestr does not by itself


def with_names(seed: Seed, hints: Sequence[Hint], folder: Path) -> Seed:
    """A copy with the names that `source_column` asks for; StepFailed if there is none such."""
    path = folder / f"names.{seed.format}"
    if seed.format == "csv":
        return replace(seed, path=_csv(seed, hints, path))
    rows = file_scan.records(seed.path, seed.format)
    if rows is None:
        raise StepFailed(
            "load",
            f"{seed.written} is too large or no list of records: its columns cannot be renamed",
            hint="use the file's own names for the columns, without source_column",
        )
    names = _names(seed, list(dict.fromkeys(name for row in rows for name in row)), hints)
    made = [{names.get(name, name): value for name, value in row.items()} for row in rows]
    text = json.dumps(made) if seed.format == "json" else "\n".join(map(json.dumps, made))
    path.write_text(text, "utf-8")
    return replace(seed, path=path)


def _names(seed: Seed, header: Sequence[str], hints: Sequence[Hint]) -> dict[str, str]:
    """The file's names and those that they get."""
    names: dict[str, str] = {}
    for hint in hints:
        if not hint.source:
            continue
        found = resolve(hint.source, header) or _alike(hint.source, header)
        if found:
            names[found] = hint.name
        elif header and not _alike(hint.name, header):
            raise StepFailed(
                "load",
                f"{seed.written} has no column {hint.source!r}, the source_column of {hint.name!r}",
                hint=f"it has {', '.join(header[:20])}",
            )
    return names


def _alike(name: str, header: Sequence[str]) -> str | None:
    return next((one for one in header if snake_case(one) == snake_case(name)), None)


def _csv(seed: Seed, hints: Sequence[Hint], path: Path) -> Path:
    """A copy with another header; what follows it is copied as it is."""
    kind, escape = csv_scan.encoding(seed.path), "surrogateescape"
    with (
        seed.path.open(encoding=kind, newline="", errors=escape) as file,
        path.open("w", encoding="utf-8", newline="", errors=escape) as out,
    ):
        header = next(filter(None, csv.reader(iter(file.readline, ""))), [])
        names = _names(seed, header, hints)
        csv.writer(out).writerow([names.get(name, name) for name in header])
        shutil.copyfileobj(file, out)
    return path


def of_no_rows(seed: Seed, header: Sequence[str], hints: Sequence[Hint], folder: Path) -> Seed:
    """An Arrow file with the columns of a file without rows; StepFailed if nothing names them."""
    names = [snake_case(name) for name in header] or [hint.name for hint in hints]
    if not names:
        raise StepFailed(
            "load",
            f"{seed.written} is empty: no table can be made of it",
            hint="give it a header, or declare the columns",
        )
    path = folder / "empty.arrow"
    with pa.ipc.new_file(str(path), pa.schema([(name, pa.string()) for name in names])):
        pass
    return replace(seed, path=path, format="mmap")


def to_microseconds(seed: Seed, folder: Path) -> tuple[Seed, tuple[str, ...]]:
    """A copy of a Parquet file without digits below a microsecond, if there are any; notices."""
    parquet: Any = importlib.import_module("pyarrow.parquet")  # few loads need it
    try:
        with parquet.ParquetFile(seed.path) as file:
            schema = file.schema_arrow
            kinds = {field.name: _micro(field.type) for field in schema}
            changed = [field.name for field in schema if kinds[field.name] != field.type]
            cut = [name for name in changed if _cuts(file, name, kinds[name])]
            if not cut or len(kinds) < len(schema):
                return seed, ()
            made = pa.schema([field.with_type(kinds[field.name]) for field in schema])
            path = folder / "microseconds.parquet"
            with parquet.ParquetWriter(path, made) as writer:
                for batch in file.iter_batches():
                    writer.write_batch(_cast(batch, made))
    except (pa.ArrowException, OSError):
        return seed, ()  # ingestr says what is wrong with it
    words = "digits below a microsecond, which databases do not keep: they were cut off"
    return replace(seed, path=path), (f"moments of {', '.join(cut)} have {words}",)


def _cast(batch: Any, schema: Any) -> Any:
    arrays = [
        array if array.type == field.type else array.cast(field.type, safe=False)
        for array, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _cuts(file: Any, name: str, kind: Any) -> bool:
    """Whether a value of the column would lose digits."""
    return any(_loses(batch.column(0), kind) for batch in file.iter_batches(columns=[name]))


def _loses(array: Any, kind: Any) -> bool:
    try:
        array.cast(kind)
    except pa.ArrowInvalid:
        return True
    return False


def _micro(kind: Any) -> Any:
    """The type with microseconds where it has nanoseconds, also inside of lists and structs."""
    types = pa.types
    if types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", tz=kind.tz)
    if types.is_time64(kind) and kind.unit == "ns":
        return pa.time64("us")
    if types.is_list(kind) or types.is_large_list(kind):
        make = pa.large_list if types.is_large_list(kind) else pa.list_
        return make(kind.value_field.with_type(_micro(kind.value_type)))
    if types.is_struct(kind):
        parts = (kind.field(index) for index in range(kind.num_fields))
        return pa.struct([part.with_type(_micro(part.type)) for part in parts])
    return kind
