"""Calls the asset's materialize() and writes what it returns as an Arrow file. Called by job.py.

Imported before the project's folders join sys.path, so that pyarrow is the installed one.
"""

# pyarrow has no types of its own
# mypy: disable-error-code="attr-defined, no-any-return"

from __future__ import annotations

import datetime  # noqa: F401 - pyarrow imports these when it meets such values
import decimal  # noqa: F401
import json
import sys
import uuid  # noqa: F401
from types import ModuleType
from typing import Any

import pyarrow as pa

from . import values
from .sink import Sink

RETURNED = "materialize() returned"
YIELDED = "materialize() gave, inside what it returned,"


def run(module: ModuleType, job: dict[str, Any]) -> None:
    """Write the data into job["output"] and a description of it to job["result"]."""
    function = getattr(module, "materialize", None)
    if not callable(function):
        raise TypeError(
            "the asset is materialized as a table, but its file defines no function materialize()"
        )
    value = function()
    writer = Writer(Sink(job["output"], job["batch_rows"]))
    returned = values.describe(value)
    writer.whole(value)
    del value
    data = writer.sink.finish()
    sys.stdout.flush()
    with open(job["result"], "w", encoding="utf-8") as file:
        said = [*writer.notices, *writer.sink.notices]
        json.dump({"data": data, "returned": returned, "notices": said}, file)


class Writer:
    """Knows every kind of value that is accepted, and how it reaches the sink."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.notices: list[str] = []

    def whole(self, value: Any) -> None:
        """Write what materialize() returned."""
        if value is None:
            return
        if values.is_pages(value):
            self._pages(value)
        elif not self._table(value):
            raise values.refuse(value, RETURNED)

    def _pages(self, pages: Any) -> None:
        """Go through rows, lists of rows and tables, one by one."""
        take = self.sink.row
        for item in pages:
            if type(item) is dict:
                take(item)
            elif item is not None:
                self._page(item)

    def _page(self, item: Any) -> None:
        if values.is_row(item):
            self.sink.row(dict(item))
        elif isinstance(item, (list, tuple)):
            self._list(item)
        elif not self._table(item):
            raise values.refuse(item, YIELDED)

    def _list(self, page: Any) -> None:
        if all(type(row) is dict for row in page):
            self.sink.page(page)
            return
        for row in page:
            if values.is_row(row):
                self.sink.row(dict(row))
            elif not self._table(row):
                raise values.refuse(row, YIELDED)

    def _table(self, value: Any) -> bool:
        """Write a value that is a table of some kind; False if it is none."""
        if isinstance(value, pa.Table):
            self.sink.table(value)
        elif isinstance(value, pa.RecordBatch):
            self.sink.table(pa.Table.from_batches([value]))
        elif isinstance(value, pa.RecordBatchReader):
            self._reader(value)
        elif values.is_of(value, "pandas", "DataFrame"):
            self._pandas(value)
        elif values.is_of(value, "polars", "LazyFrame"):
            self.sink.table(_of_polars(value.collect()))
        elif values.is_of(value, "polars", "DataFrame"):
            self.sink.table(_of_polars(value))
        else:
            return self._foreign(value)
        return True

    def _foreign(self, value: Any) -> bool:
        """Other libraries' tables, through Arrow's own interface (duckdb, ibis, scanners)."""
        series = values.is_of(value, "pandas", "Series") or values.is_of(value, "polars", "Series")
        if not values.is_stream(value) or series or isinstance(value, (pa.Array, pa.ChunkedArray)):
            return False
        self._reader(pa.RecordBatchReader.from_stream(value))
        return True

    def _reader(self, reader: Any) -> None:
        self.sink.flush()
        self.sink.columns(reader.schema)
        for batch in reader:
            self.sink.table(pa.Table.from_batches([batch]))

    def _pandas(self, frame: Any) -> None:
        """An index with a name is a column, as is one of texts; unnamed numbers are row numbers."""
        if not len(frame.columns) and not len(frame):
            self._notice("an empty DataFrame without columns counts as no data")
            return
        numbered = _is_numbered(frame.index)
        if numbered and len(frame) and type(frame.index).__name__ != "RangeIndex":
            self._notice(
                "the DataFrame's index has no name and holds row numbers, so it is not loaded;"
                " name it (df.index.name) to keep it as a column"
            )
        try:
            table = pa.Table.from_pandas(frame, preserve_index=not numbered)
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            raise TypeError(
                "the DataFrame cannot become an Arrow table: %s" % _words(error)
            ) from None
        self.sink.table(table.replace_schema_metadata(None))

    def _notice(self, text: str) -> None:
        if text not in self.notices:
            self.notices.append(text)


def _is_numbered(index: Any) -> bool:
    """Whether an index only numbers the rows, as filtering, sorting and joining leave it."""
    if index.nlevels > 1 or index.name is not None:
        return False
    return not len(index) or str(index.dtype).lower().startswith(("int", "uint"))


def _of_polars(frame: Any) -> Any:
    try:
        return frame.to_arrow()
    except BaseException as error:  # polars panics are no Exceptions
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        raise TypeError("the DataFrame cannot become an Arrow table: %s" % _words(error)) from None


def _words(error: BaseException) -> str:
    return "; ".join(str(part) for part in error.args) or type(error).__name__
