"""What an asset may return, recognised without importing what it did not import itself.

Used by materialize.py and rows.py in the asset's interpreter.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any

ACCEPTED = (
    "a pandas or polars DataFrame, a polars LazyFrame, a pyarrow Table, RecordBatch or "
    "RecordBatchReader, a list of dicts, or a generator that yields any of these or dicts"
)


def describe(value: Any) -> str:
    """The type's name as its user knows it, such as pandas.DataFrame."""
    if value is None:
        return "None"
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    return kind.__qualname__ if library == "builtins" else "%s.%s" % (library, kind.__qualname__)


def refuse(value: Any, where: str) -> TypeError:
    """The error for a value that is not accepted; it says what came and what could have."""
    hint = ""
    if isinstance(value, Mapping):
        hint = "; for one row return it in a list"
    elif inspect.iscoroutine(value) or inspect.isasyncgen(value):
        if inspect.iscoroutine(value):
            value.close()
        hint = "; materialize() must not be async, call asyncio.run() inside it"
    elif is_of(value, "pandas", "Series") or is_of(value, "polars", "Series"):
        hint = "; use to_frame()"
    return TypeError("%s %s%s; accepted are %s" % (where, describe(value), hint, ACCEPTED))


def is_of(value: Any, library: str, name: str) -> bool:
    """Whether it is an instance of that library's class, if the asset has loaded the library."""
    kind = getattr(sys.modules.get(library), name, None)
    return isinstance(kind, type) and isinstance(value, kind)


def is_numpy_scalar(value: Any) -> bool:
    """Whether it is a number or text of numpy's own kind."""
    return is_of(value, "numpy", "generic")


def is_row(value: Any) -> bool:
    """Whether it is one row: a dict or what behaves like one."""
    return isinstance(value, Mapping)


def is_pages(value: Any) -> bool:
    """Whether it holds rows or tables to go through one by one."""
    return isinstance(value, (list, tuple, Iterator)) and not is_stream(value)


def is_stream(value: Any) -> bool:
    """Whether it hands out Arrow data by itself (pyarrow, duckdb, ibis, newer frames)."""
    return hasattr(value, "__arrow_c_stream__") or hasattr(value, "read_next_batch")
