"""Where an asset's rows go: an Arrow IPC file whose columns may widen while they come.

Rows are collected into batches; when a batch does not fit the columns so far, a new part file
begins, and one streaming pass at the end brings all parts to the columns of the last. Nothing is
ever held whole. Used by materialize.py in the asset's interpreter.
"""

# pyarrow has no types of its own
# mypy: disable-error-code="attr-defined, no-any-return"

from __future__ import annotations

import os
from typing import Any, Iterator

import pyarrow as pa

from . import arrow_types, rows

SLICE = 100_000  # rows of a batch that comes from a table


class Sink:
    """Takes rows and batches, and leaves `data.arrow` in its folder if any came."""

    def __init__(self, folder: str, batch_rows: int) -> None:
        self.folder = folder
        self.batch_rows = batch_rows
        self.rows = 0
        self.schema: Any = None
        self._names: dict[str, None] = {}  # keys of all dicts so far, in order
        self._waiting: list[Any] = []
        self._writer: Any = None
        self._parts: list[str] = []
        self._normal: dict[Any, Any] = {}
        self.notices: dict[str, None] = {}  # in order, each once

    def row(self, row: Any) -> None:
        """Take one dict."""
        self._waiting.append(row)
        if len(self._waiting) >= self.batch_rows:
            self.flush()

    def page(self, page: Any) -> None:
        """Take many dicts; not so many at once that they are held twice."""
        for start in range(0, len(page), self.batch_rows):
            self._waiting.extend(page[start : start + self.batch_rows])
            if len(self._waiting) >= self.batch_rows:
                self.flush()

    def flush(self) -> None:
        """Write the rows that wait."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self.batch(rows.batch(waiting, self._names, self.rows))

    def table(self, table: Any) -> None:
        """Take a table; one without rows still says which columns there are."""
        self.flush()
        self.columns(table.schema)
        for batch in table.to_batches(max_chunksize=SLICE):
            self.batch(batch)

    def batch(self, batch: Any) -> None:
        """Take one batch."""
        self.columns(batch.schema)
        if batch.num_rows:
            self._writer.write_batch(self._fitted(batch, self.schema))
            self.rows += batch.num_rows

    def columns(self, schema: Any) -> None:
        """See to it that what is written next can hold these columns."""
        wanted = self._wanted(schema)
        if self.schema is None:
            self._begin(wanted)
        elif not wanted.equals(self.schema):
            try:
                fields = arrow_types.unify_fields(self.schema, wanted)
            except arrow_types.TypeClash as error:
                text = "column %s: up to row %d and after it" % (error, self.rows)
                raise TypeError(text) from None
            if not pa.schema(fields).equals(self.schema):
                self._begin(pa.schema(fields))

    def finish(self) -> dict[str, Any] | None:
        """Close the file; what it holds, or None if nothing came."""
        self.flush()
        if self._writer is None:
            return None
        self._writer.close()
        final = os.path.join(self.folder, "data.arrow")
        if len(self._parts) == 1:
            os.rename(self._parts[0], final)
        else:
            self._unite(final)
        return {"rows": self.rows, "schema": [[f.name, str(f.type)] for f in self.schema]}

    def _wanted(self, schema: Any) -> Any:
        known = self._normal.get(schema)
        if known is None:
            known = pa.schema([arrow_types.normal_field(field) for field in schema])
            if len(set(known.names)) != len(known.names):
                twice = sorted({n for n in known.names if known.names.count(n) > 1})
                raise TypeError("column names must differ; repeated: %s" % ", ".join(twice))
            if len(self._normal) < 100:
                self._normal[schema] = known
        return known

    def _begin(self, schema: Any) -> None:
        """Start a part file with these columns."""
        if self._writer is not None:
            self._writer.close()
        self.schema = schema
        self._parts.append(os.path.join(self.folder, "part-%d.arrow" % len(self._parts)))
        self._writer = pa.ipc.new_file(pa.OSFile(self._parts[-1], "wb"), schema)

    def _fitted(self, batch: Any, schema: Any) -> Any:
        if batch.schema.equals(schema):
            return batch
        place = {name: index for index, name in enumerate(batch.schema.names)}
        arrays = [
            arrow_types.conform(batch.column(place[field.name]), field.type, field.name, self._say)
            if field.name in place
            else pa.nulls(batch.num_rows, field.type)
            for field in schema
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _say(self, notice: str) -> None:
        self.notices[notice] = None

    def _unite(self, final: str) -> None:
        with pa.OSFile(final, "wb") as file, pa.ipc.new_file(file, self.schema) as writer:
            for part in self._parts:
                for batch in _batches(part):
                    writer.write_batch(self._fitted(batch, self.schema))
                os.unlink(part)


def _batches(path: str) -> Iterator[Any]:
    with pa.memory_map(path) as file:
        reader = pa.ipc.open_file(file)
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index)
