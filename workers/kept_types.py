"""Keeps the types of a table that is there already. Called by workers.loader.

ingestr turns a column of numbers, days or identifiers into text where the data has texts or
fractions for it, and the next asset that computes with it fails. Where all values fit the column,
they are given its type instead; where they do not, a notice tells what became of it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow
import pyarrow.compute

from assets_parser.model import Column as Declared
from workers import column_hints
from workers.arrow_files import Data, batches
from workers.castable import Column
from workers.column_hints import Hint
from workers.connections import Connection
from workers.engines import QueryFailed, Shape, opened
from workers.errors import StepFailed
from workers.load_flags import REPLACE
from workers.sql.names import resolve

pa: Any = pyarrow  # it brings no types of its own
pc: Any = pa.compute

ENGINES = frozenset({"postgres", "duckdb"})
_WIDE = f"decimal({column_hints.MAX_PRECISION},{column_hints.SCALE})"
_UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


@dataclass(slots=True)
class _Look:
    """One column of the data beside the table's own type."""

    name: str
    wanted: str
    fits: bool = True

    def take(self, array: Any) -> None:
        """Look at the next values."""
        if not self.fits:
            return
        if self.wanted == "uuid":
            self.fits = bool(pc.all(pc.match_substring_regex(array, _UUID), min_count=0).as_py())
            return
        column = Column(Hint(name=self.name, type=self.wanted))
        column.take(array)
        scaled = not pa.types.is_floating(array.type) or _in_scale(array, self.wanted)
        self.fits = scaled and not column.lost and not column.doubtful

    @property
    def hint(self) -> Hint | None:
        """What the load is told, None where the values do not fit."""
        if self.fits:
            return Hint(name=self.name, type=self.wanted)
        sizes = _DECIMAL.fullmatch(self.wanted)
        if sizes and int(sizes[2]) <= column_hints.SCALE:  # more digits, but still numbers
            return Hint(name=self.name, type=_WIDE)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The types that the load is told, and whether some columns cannot keep theirs."""

    hints: tuple[Hint, ...] = ()
    all: bool = True


def keeps(connection: Connection, strategy: str) -> bool:
    """Whether such a load writes to the columns that are there."""
    return connection.type == "postgres" or (connection.type in ENGINES and strategy != REPLACE)


def of(data: Data, table: Shape) -> Kept:
    """The table's types for columns of the data that ingestr would make texts of."""
    pairs = ((name, resolve(name, table.columns)) for name in data.names)
    looks = [
        _Look(name, wanted)
        for name, had in pairs
        if had and (wanted := _wanted(data.kind(name), table.columns[had]))
    ]
    if looks:
        with batches(data) as parts:
            for batch in parts:
                for look in looks:
                    look.take(batch.column(look.name))
    found = tuple(hint for look in looks if (hint := look.hint))
    return Kept(hints=found, all=len(found) == len(looks))


def as_before(table: Shape) -> tuple[Hint, ...]:
    """The types that the table has, in ingestr's words; columns of ingestr's own are left out."""
    types = {n: column_hints.type_of(Declared(name=n, type=k)) for n, k in table.columns.items()}
    return tuple(Hint(name=n, type=k) for n, k in types.items() if k and not n.startswith("_"))


def _wanted(kind: Any, had: str) -> str:
    """The table's type in ingestr's words where the data's type would turn it into text."""
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if text and had.lower() == "uuid":
        return "uuid"
    hint = column_hints.type_of(Declared(name="c", type=had))
    fractions = pa.types.is_decimal(kind) and kind.scale and had == "numeric"
    if (fractions or pa.types.is_floating(kind)) and hint.startswith("decimal"):
        return hint
    return hint if text and Hint(name="c", type=hint).converts else ""


def _in_scale(array: Any, hint: str) -> bool:
    """Whether fractions have no more digits than the type, but for what floats always are off."""
    sizes = _DECIMAL.fullmatch(hint)
    if sizes is None:
        return True
    off = pc.abs(pc.subtract(array, pc.round(array, ndigits=int(sizes[2]))))
    bound = pc.multiply(pc.add(pc.abs(array), 1.0), 1e-12)
    return bool(pc.all(pc.less_equal(off, bound), min_count=0).as_py())


def with_fractions(hints: Iterable[Hint], table: Shape) -> list[str]:
    """The table's columns that will be given numbers with fractions."""
    wanted = [hint.name for hint in hints if _scale(hint.type)]
    return [name for hint in wanted if (name := resolve(hint, table.columns))]


def _scale(hint: str) -> int:
    sizes = _DECIMAL.fullmatch(hint)
    return int(sizes[2]) if sizes else 0


def sized(connection: Connection, table: Shape, names: Iterable[str]) -> None:
    """Give PostgreSQL's numerics without digits the digits that ingestr needs to write fractions.

    StepFailed if a value has more of them, or the column cannot be changed.
    """
    bare = [name for name in names if table.columns.get(name) == "numeric"]
    if connection.type != "postgres" or not bare:
        return
    with opened(connection, write=True) as database:
        where, quote = database.dialect.table(table.parts), database.dialect.identifier
        kind = _WIDE.replace("decimal", "numeric")
        for name in bare:
            column = quote(name)
            longer = f"SELECT count(*) FROM {where} WHERE {column} <> {column}::{kind}"  # noqa: S608
            try:
                if database.row(longer)[0]:
                    raise _too_long(table, name)
                database.execute(f"ALTER TABLE {where} ALTER COLUMN {column} TYPE {kind}")
            except QueryFailed as error:
                raise _too_long(table, name, str(error)) from None


def _too_long(table: Shape, name: str, why: str = "") -> StepFailed:
    where = ".".join(table.parts)
    return StepFailed(
        "load",
        f"column {name!r} of {where} is a numeric without digits: ingestr writes no fractions",
        detail=why or f"it holds values with more than {column_hints.SCALE} of them",
        hint=f"ALTER TABLE {where} ALTER COLUMN {name} TYPE numeric(38, 15), or as many as needed",
    )


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Notices about columns that became texts."""
    is_text: Callable[[str], bool] = lambda kind: kind.lower() in ("text", "varchar")  # noqa: E731
    return [
        f"column {name!r} became {after[name]}, it was {kind}: the data has values that are none"
        for name, kind in before.items()
        if name in after
        and is_text(after[name])
        and not is_text(kind)
        and not kind.lower().startswith("character")
    ]
