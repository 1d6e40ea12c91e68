"""How rows of the table meet rows of the query: by primary key, of which a part may be NULL. Pure.

`target` is the table, `source` the temporary table with the query's rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workers.sql.scripts import BadAsset, Statement
from workers.sql.strategies.columns import find
from workers.sql.strategies.target import Target


@dataclass(frozen=True, slots=True)
class Pair:
    """One column: its name in the table, and in the query's rows."""

    stored: str
    given: str


@dataclass(frozen=True, slots=True)
class Meeting:
    """Some of the rows: the condition that picks them on either side, and how two of them meet."""

    source: str
    target: str
    on: str


def meetings(target: Target, pairs: Sequence[Pair]) -> list[Meeting]:
    """One meeting where the platform joins on NULL quickly, else one more for keys with a NULL.

    There `=` alone lets a large table be joined by hash.
    """
    quote = target.platform.dialect.identifier
    ours = [f"target.{quote(pair.stored)}" for pair in pairs]
    theirs = [f"source.{quote(pair.given)}" for pair in pairs]
    both = list(zip(ours, theirs, strict=True))
    if target.platform.joins_nulls:
        same = target.platform.same
        return [Meeting("", "", _and(same.format(our, their) for our, their in both))]
    alike = (f"({our} = {their} OR ({our} IS NULL AND {their} IS NULL))" for our, their in both)
    return [
        Meeting(_all_set(theirs), _all_set(ours), _and(f"{our} = {their}" for our, their in both)),
        Meeting(_some_null(theirs), _some_null(ours), _and(alike)),
    ]


def _and(conditions: Iterable[str]) -> str:
    return " AND ".join(conditions)


def _all_set(columns: Iterable[str]) -> str:
    return _and(f"{column} IS NOT NULL" for column in columns)


def _some_null(columns: Iterable[str]) -> str:
    return "(" + " OR ".join(f"{column} IS NULL" for column in columns) + ")"


def key_pairs(target: Target) -> tuple[Pair, ...]:
    """The primary key's columns as the table and as the query name them; BadAsset if one lacks."""
    if not target.keys:
        strategy = target.spec.materialization.strategy
        raise BadAsset(f"strategy {strategy} needs a column with `primary_key: true`")
    names = [column.name for column in target.keys]
    return tuple(Pair(stored(target, name), given(target, name)) for name in names)


def given(target: Target, name: str) -> str:
    """A declared column under the name that the query gives it."""
    produced = target.produced
    found = find(name, produced) if produced else name
    if found is None:
        raise BadAsset(f"the query gives no column {name!r}; it gives {', '.join(produced)}")
    return found


def stored(target: Target, name: str) -> str:
    """A declared column under the name that the table has for it, where there is a table."""
    known = () if target.fresh else target.existing
    found = find(name, known) if known else name
    if found is None:
        raise BadAsset(
            f"{target.spec.name} has no column {name!r}, which the asset declares",
            "add it to the table, or run once with --full-refresh",
        )
    return found


def unique(target: Target, pairs: Sequence[Pair], table: str = "") -> Statement:
    """Refuses a query that gives two rows of one key: which of them counts would be chance."""
    names = tuple(pair.given for pair in pairs)
    keys = target.quoted(names)
    return target.run(
        "-- the asset fails if this gives a row\n"
        f"SELECT {keys} FROM {table or target.temp} GROUP BY {keys} HAVING COUNT(*) > 1 LIMIT 1",
        refuses=f"the query gives several rows for one primary key ({', '.join(names)})",
    )
