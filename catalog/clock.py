"""The time by the clock of the catalog's database; hosts compare no other clock."""

from typing import Any

from sqlalchemy import Double
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class now(FunctionElement[float]):
    """Seconds since 1970 in UTC, to the millisecond or better, when the statement runs."""

    name = "now"
    type = Double()
    inherit_cache = True


@compiles(now, "sqlite")
def _sqlite(element: now, compiler: Any, **options: Any) -> str:
    # unixepoch('subsec') would need SQLite 3.42; a julian day in a double is good to 0.04 ms
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _postgresql(element: now, compiler: Any, **options: Any) -> str:
    # not now(): that is the transaction's start, which may lie before a wait for a row
    return "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"
