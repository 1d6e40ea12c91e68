"""Proves that a staging table holds what its load was given, before anything is moved from it.

Called by workers.load_commit. What ingestr loses in silence is found here, while the target is as
it was; workers.load_proof does the same for loads that go into their target directly.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from workers import load_proof
from workers.errors import StepFailed
from workers.load_flags import DELETE_INSERT, Load
from workers.load_proof import STAMP, Given
from workers.load_session import LoadSession
from workers.sql.names import resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """What is in a staging table. `keys` are its columns that tell rows apart, `stamp` is the time
    of the load that each row bears, `outside` says that keys may lie outside of the interval."""

    rows: int
    notices: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    repeats: bool = False
    outside: bool = False
    stamp: str = ""


def look(
    session: LoadSession,
    name: str,
    columns: Mapping[str, str],
    given: Given,
    load: Load,
    *,
    table: str,
) -> Staged:
    """Count the rows of the staging table `name`; StepFailed if rows or values are missing."""
    keys = _keys(load, columns)
    typed = {one: found for one in load.typed if (found := _column(load, one, columns))}
    total, once, stamp, *held = _counted(session, name, columns, keys, list(typed.values()))
    if given.names and total > given.rows:  # of a source that only ingestr reads nobody knows
        message = f"ingestr loaded {total:,} rows for {table}, but was given {given.rows:,}"
        raise StepFailed("load", message)
    stored = total if load.strategy == "append" or once is None else once
    notices = load_proof.missing_rows(table, given, load, stored)
    if total >= given.rows:
        load_proof.missing_values(given, dict(zip(typed, held, strict=True)))
    return Staged(
        rows=stored,
        notices=tuple(notices),
        keys=keys,
        repeats=once is not None and once < total,
        outside=_outside(session, load, given),
        stamp=stamp,
    )


def _counted(
    session: LoadSession,
    name: str,
    columns: Mapping[str, str],
    keys: tuple[str, ...],
    typed: list[str],
) -> tuple[int, int | None, str, *tuple[int, ...]]:
    """The rows, those with different keys (None without keys), the stamp, each column's values."""
    quote = session.dialect.identifier
    once = "NULL"
    if keys:
        listed = ", ".join(map(quote, keys))
        once = f"(SELECT COUNT(*) FROM (SELECT DISTINCT {listed} FROM {name}) AS d)"  # noqa: S608
    stamp = f"CAST(MAX({quote(STAMP)}) AS VARCHAR)" if STAMP in columns else "NULL"
    counts = ["COUNT(*)", once, stamp, *(f"COUNT({quote(column)})" for column in typed)]
    row = session.ask(f"SELECT {', '.join(counts)} FROM {name}")[0]  # noqa: S608
    different = None if row[1] is None else int(row[1])
    return int(row[0]), different, str(row[2] or ""), *map(int, row[3:])


def _outside(session: LoadSession, load: Load, given: Given) -> bool:
    """SQLite compares moments as texts, in several forms: there it is always asked."""
    if load.strategy != DELETE_INSERT or not load.interval:
        return False
    source = resolve(load.incremental_key, given.names) or load.incremental_key
    return session.engine == "sqlite" or given.leaves(source, *load.interval)


def _keys(load: Load, columns: Mapping[str, str]) -> tuple[str, ...]:
    found = [_column(load, key, columns) for key in load.keys]
    return tuple(key for key in found if key)


def _column(load: Load, name: str, columns: Mapping[str, str]) -> str | None:
    return resolve((load.names or {}).get(name, name), columns) if name else None
