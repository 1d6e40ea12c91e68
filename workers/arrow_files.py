"""The Arrow file between materialize and load: is it whole, what is in it. For the loader."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.compute
import pyarrow.ipc

from workers import stores
from workers.context import Stop
from workers.errors import StepFailed
from workers.settings import Settings
from workers.stores import Changed, Gone, Recorded

pa: Any = pyarrow  # it brings no types of its own
pc: Any = pa.compute
ipc: Any = pa.ipc

_EXACT_DIGITS = 15  # that a JSON number keeps wherever it is read


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """A whole Arrow IPC file and what its footer says."""

    path: Path
    rows: int
    schema: Any

    @property
    def names(self) -> list[str]:
        """The columns' names, in order."""
        return list(self.schema.names)

    def kind(self, name: str) -> Any:
        """The type of a column, None if there is no such column."""
        index = self.schema.get_field_index(name)
        return self.schema.field(index).type if index >= 0 else None

    @property
    def lists(self) -> list[str]:
        """The columns that hold lists."""
        return [field.name for field in self.schema if is_list(field.type)]

    @property
    def valueless(self) -> list[str]:
        """The columns that have no value: there is no row, or no type as all are missing."""
        return [f.name for f in self.schema if not self.rows or pa.types.is_null(f.type)]

    @property
    def texts(self) -> list[str]:
        """The columns that hold texts."""
        return [field.name for field in self.schema if _is_text(field.type)]

    @property
    def inexact(self) -> list[str]:
        """The columns whose structs hold decimals with more digits than a JSON number keeps."""
        return [field.name for field in self.schema if _is_inexact(field.type)]

    def not_null(self, columns: list[str]) -> dict[str, int]:
        """How many values each of the columns holds."""
        found = dict.fromkeys(columns, 0)
        if columns:
            with batches(self) as parts:
                for batch in parts:
                    for name in columns:
                        column = batch.column(name)
                        found[name] += len(column) - column.null_count
        return found

    def distinct(self, columns: list[str]) -> int | None:
        """How many different keys the columns hold together, None if a column is missing."""
        if not set(columns) <= set(self.names):
            return None
        schema = pa.schema([self.schema.field(name) for name in columns])
        with batches(self) as parts:
            keys = [batch.select(columns) for batch in parts]
        table = pa.Table.from_batches(keys, schema=schema)
        return int(table.group_by(columns).aggregate([]).num_rows)

    def leaves(self, column: str, start: datetime, end: datetime) -> bool:
        """Whether a moment of the column lies outside start..end, is missing, or is no moment."""
        kind = self.kind(column)
        if kind is None or not is_temporal(kind):
            return True
        low: Any = None
        high: Any = None
        nulls = 0
        with batches(self) as parts:
            for batch in parts:
                values = batch.column(column)
                nulls += values.null_count
                found = pc.min_max(values).as_py()
                low = _least(min, low, found["min"])
                high = _least(max, high, found["max"])
        outside = low is not None and (_moment(low) < start or _moment(high) > end)
        return nulls > 0 or outside


def verified(settings: Settings, recorded: Mapping[str, Any], asset: str, stop: Stop) -> Data:
    """The file that the materialize step recorded; StepFailed if it is not the same any more.

    `asset` is the path of the asset's file, for the words of the failure.
    """
    anew = f"`fleet run {asset} --downstream` makes it anew, and runs what depends on it"
    file = Recorded(
        name=str(recorded["path"]), bytes=int(recorded["bytes"]), digest=str(recorded["digest"])
    )
    try:
        store, patience = stores.of(settings), stores.patience(settings)
        path = store.fetch(file, patience, lambda: stop.reason)
    except Gone as error:
        message = f"the asset's data is gone: {file.name}: {error}"
        raise StepFailed("load", message, hint=anew) from None
    except Changed as error:
        message = f"the asset's data changed after it was written: {file.name}"
        raise StepFailed("load", message, detail=str(error), hint=anew) from None
    return read(path, int(recorded["rows"]))


def read(path: Path, rows: int) -> Data:
    """What the file's footer says; StepFailed if it is no Arrow IPC file."""
    try:
        with pa.memory_map(str(path)) as source, ipc.open_file(source) as reader:
            return Data(path=path, rows=rows, schema=reader.schema)
    except (pa.ArrowInvalid, OSError) as error:
        raise StepFailed(
            "load", f"the asset's data cannot be read: {path}", detail=str(error)
        ) from None


def renamed(data: Data, names: Mapping[str, str], path: Path) -> Data:
    """A copy at `path` with other column names, batch by batch."""
    schema = pa.schema([field.with_name(names[field.name]) for field in data.schema])
    with batches(data) as parts, ipc.new_file(str(path), schema) as writer:
        for batch in parts:
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
    return Data(path=path, rows=data.rows, schema=schema)


def selected(data: Data, names: list[str], path: Path) -> Path:
    """A copy at `path` of these columns only."""
    schema = pa.schema([data.schema.field(name) for name in dict.fromkeys(names)])
    with batches(data) as parts, ipc.new_file(str(path), schema) as writer:
        for batch in parts:
            writer.write_batch(batch.select(schema.names))
    return path


def is_temporal(kind: Any) -> bool:
    """Whether values of this type are dates or moments."""
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def is_number(kind: Any) -> bool:
    """Whether values of this type are numbers."""
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return any(test(kind) for test in tests)


@contextmanager
def batches(data: Data) -> Iterator[Iterator[Any]]:
    """The file's batches, one after the other."""
    with pa.memory_map(str(data.path)) as source, ipc.open_file(source) as reader:
        yield (reader.get_batch(index) for index in range(reader.num_record_batches))


def _least(choose: Callable[..., Any], one: Any, other: Any) -> Any:
    return (
        choose(v for v in (one, other) if v is not None) if (one, other) != (None, None) else None
    )


def _moment(value: date) -> datetime:
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def is_list(kind: Any) -> bool:
    """Whether values of this type are lists."""
    tests = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    views = (getattr(pa.types, name, None) for name in ("is_list_view", "is_large_list_view"))
    return any(test(kind) for test in (*tests, *views) if test)


def _is_inexact(kind: Any, *, inside: bool = False) -> bool:
    if pa.types.is_decimal(kind):
        return inside and bool(kind.precision > _EXACT_DIGITS)
    inner = inside or pa.types.is_struct(kind) or pa.types.is_map(kind)
    parts = (kind.field(index) for index in range(kind.num_fields))
    return any(_is_inexact(part.type, inside=inner) for part in parts)


def _is_text(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(test(kind) for test in tests)
