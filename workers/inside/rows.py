"""Dicts as Arrow batches: columns are the union of the keys, types come from the values.

Used by sink.py in the asset's interpreter.
"""

# pyarrow has no types of its own
# mypy: disable-error-code="attr-defined, no-any-return"

from __future__ import annotations

import datetime
import math
import sys
from typing import Any

import pyarrow as pa

from . import values


def batch(rows: list[Any], names: dict[str, None], start: int) -> Any:
    """A record batch of these rows; keys that are new join `names`. `start` counts earlier rows."""
    columns = _quick(rows, list(names)) if names else None
    if columns is None:
        rows = [_text_keys(row) for row in rows]
        for row in rows:
            names.update(dict.fromkeys(row))
        columns = [[row.get(name) for row in rows] for name in names]
    if not names:
        raise TypeError("the first %d rows are dicts without any key" % len(rows))
    arrays = [_array(name, column, start) for name, column in zip(names, columns)]
    return pa.RecordBatch.from_arrays(arrays, names=list(names))


def _quick(rows: list[Any], names: list[str]) -> list[list[Any]] | None:
    """The columns if every row has exactly the known keys, else None."""
    width = len(names)
    try:
        if any(len(row) != width for row in rows):
            return None
        return [[row[name] for row in rows] for name in names]
    except KeyError:
        return None


def _text_keys(row: Any) -> Any:
    if all(type(key) is str for key in row):
        return row
    return {str(key): value for key, value in row.items()}


def _array(name: str, column: list[Any], start: int) -> Any:
    try:
        array = _exact(column, pa.array(column))
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        array = _repaired(column)
        if array is None:
            raise TypeError(_explain(name, column, start, error)) from None
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _exact(column: list[Any], array: Any) -> Any:
    """The array; of moments where pyarrow made days of them because the first one is a day."""
    if pa.types.is_date32(array.type) and any(isinstance(i, datetime.datetime) for i in column):
        return pa.array([_moment(item) for item in column])
    return array


def _moment(item: Any) -> Any:
    if isinstance(item, datetime.date) and not isinstance(item, datetime.datetime):
        return datetime.datetime(item.year, item.month, item.day)
    return item


def _repaired(column: list[Any]) -> Any:
    """pyarrow refuses numpy's numbers beside Python's own, a day after a moment, and what pandas
    has for missing values; None if that is not the trouble.
    """
    plain = [item.item() if values.is_numpy_scalar(item) else item for item in column]
    plain = [None if missing else item for item, missing in zip(plain, _missing(plain))]
    moments = any(isinstance(item, datetime.datetime) for item in plain)
    try:
        return pa.array([_moment(item) for item in plain] if moments else plain)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return None


def _missing(column: list[Any]) -> list[bool]:
    """Which items are NaT or NA, or NaN among texts."""
    pandas = sys.modules.get("pandas")
    known = [id(getattr(pandas, name)) for name in ("NaT", "NA") if hasattr(pandas, name)]
    texts = any(isinstance(item, str) for item in column)
    nan = [texts and isinstance(item, float) and math.isnan(item) for item in column]
    return [id(item) in known or lost for item, lost in zip(column, nan)]


def _explain(name: str, column: list[Any], start: int, error: Exception) -> str:
    """Which rows hold what, because Arrow's own words name no row."""
    first: dict[str, int] = {}
    for row, item in enumerate(column, start + 1):
        if item is not None:
            first.setdefault(type(item).__name__, row)
    found = ", ".join("%s (first in row %d)" % pair for pair in first.items())
    return "column %r cannot become one Arrow column: it holds %s; %s" % (name, found, error)
