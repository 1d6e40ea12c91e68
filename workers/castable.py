"""Finds values that a declared type cannot hold, before a load loses them. For loads and seeds.

ingestr makes NULL of a text that is no number, cuts the fraction of one that is to be a whole
number, and wraps numbers that are too large; it says nothing and ends with success. What can be
told from the values is told here; of the rest (`doubtful`) only ingestr itself knows what it makes.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow
import pyarrow.compute

from workers.column_hints import Hint
from workers.errors import StepFailed

pa: Any = pyarrow  # it brings no types of its own
pc: Any = pa.compute

Found = Iterable[tuple[int, bool]]  # places of odd values; True: it would be lost for sure
_BITS = {"tinyint": 8, "smallint": 16, "int": 64, "bigint": 64}
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_OFFSET = r"( ?(Z|[+-][01][0-9](:?[0-5][0-9])?))?"
_STRICT = {
    **dict.fromkeys(_BITS, r"^[+-]?[0-9]{1,18}$"),
    "double": r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$",
    "boolean": r"^(?i:true|false|t|f|0|1|yes|no|y|n|on|off)$",
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "time": r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$",
    "timestamp": rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([ T]{_CLOCK}(:[0-5][0-9](\.[0-9]{{1,6}})?"
    rf"{_OFFSET})?)?$",
}
_STRICT["timestamp_ntz"] = _STRICT["timestamp"]
_DAYS = frozenset({"date", "timestamp", "timestamp_ntz"})
_DAY = re.compile(  # other forms in which ingestr reads a day, alone or before a clock
    rf"(?:(?P<m>\d{{1,2}})/(?P<d>\d{{1,2}})/(?P<y>\d{{4}})|(\d{{4}})[/-](\d{{1,2}})[/-](\d{{1,2}}))"
    rf"( {_CLOCK}(:[0-5][0-9])?)?",
    re.ASCII,
)
_FRACTION = re.compile(r"\d:\d\d:\d\d\.\d*[1-9]")


@dataclass(slots=True)
class Column:
    """What was found in one column so far."""

    hint: Hint
    rows: int = 0
    values: int = 0
    lost: int = 0
    first: int = 0  # the row of the first loss, counted from 1
    doubtful: bool = False
    odd: int = 0  # the row of the first value that is written in an unusual way
    nothing: int = 0  # values that say in words that there is none
    spelled: set[str] = field(default_factory=set)

    def take(self, array: Any) -> None:
        """Look at the next values."""
        kind = self.hint.type.partition("(")[0]
        test = _test(array.type, kind)
        self.values += len(array) - array.null_count
        if test:
            self._note(test(array, self.hint.type))
        self.rows += len(array)

    def _note(self, bad: Found) -> None:
        for place, sure in bad:
            self.doubtful |= not sure
            self.odd = self.odd or self.rows + place + 1
            if sure:
                self.first = self.first or self.rows + place + 1
                self.lost += 1

    @property
    def words(self) -> str:
        """Its type, and where to look first when ingestr could not read some of its values."""
        return f" as {self.hint.type} (look at row {self.odd:,} first)"


def refuse_lost(columns: Iterable[Column], where: str = "") -> None:
    """StepFailed if a value would be lost for sure."""
    lost = [column for column in columns if column.lost]
    if lost:
        words = ", ".join(
            f"{c.lost:,} of column {c.hint.name!r} as {c.hint.type} (the first in row {c.first:,})"
            for c in lost
        )
        raise unreadable(f"{words}{where}")


def unreadable(words: str) -> StepFailed:
    """The error for values that would be loaded as NULL or as something else."""
    return StepFailed(
        "load",
        f"values cannot be read as the declared type: {words}",
        hint="correct the values where they come from, or the declared type of the column",
    )


def is_typed(kind: str) -> bool:
    """Whether texts for a column of this kind must be written as that kind is."""
    return kind in _STRICT or kind == "decimal"


def _test(kind: Any, wanted: str) -> Callable[[Any, str], Found] | None:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if is_text or getattr(pa.types, "is_string_view", lambda k: False)(kind):
        return _text if is_typed(wanted) else None
    number = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)
    if number and wanted in _BITS:
        return _whole
    return _sized if number and wanted == "decimal" else None


def _text(array: Any, hint: str) -> Found:
    """Texts that are not written as their type usually is; True for those that lose something."""
    kind = hint.partition("(")[0]
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    array = array.cast(pa.large_string())
    pattern = _decimal_pattern(hint) if kind == "decimal" else _STRICT[kind]
    good = pc.fill_null(pc.match_substring_regex(array, pattern), True)
    if kind in _DAYS and not _all_days(array.filter(good)):
        yield _no_day(array, good), False
    if _BITS.get(kind, 64) < 64 and pc.any(good).as_py():
        yield from _narrow(array, good, _BITS[kind])
    for place in pc.indices_nonzero(pc.invert(good)).to_pylist():
        text = array[place].as_py()
        if kind not in _DAYS or not _is_day(text):
            yield place, _loses(text, hint)


def _is_day(text: str) -> bool:
    """Whether the text is a day of the calendar in a form that ingestr surely reads."""
    found = _DAY.fullmatch(text)
    if found is None:
        return False
    year, month, day = found.group("y", "m", "d") if found["y"] else found.group(4, 5, 6)
    try:
        return bool(date(int(year), int(month), int(day)))
    except ValueError:
        return False


def _all_days(array: Any) -> bool:
    """Whether all of them are days that the calendar has."""
    try:
        pc.utf8_slice_codeunits(array, 0, 10).cast(pa.date32())
    except pa.ArrowInvalid:
        return False
    return True


def _no_day(array: Any, good: Any) -> int:
    """The place of the first of them that is none."""
    for place in pc.indices_nonzero(good).to_pylist():
        try:
            date.fromisoformat((array[place].as_py() or "2000-01-01")[:10])
        except ValueError:
            return int(place)
    return 0


def _narrow(array: Any, good: Any, bits: int) -> Found:
    """Written as whole numbers, but too large for the type."""
    numbers = pc.if_else(good, array, None)
    numbers = pc.replace_substring_regex(numbers, r"^\+", "").cast(pa.int64())
    most = 2 ** (bits - 1)
    bad = pc.or_(pc.greater_equal(numbers, most), pc.less(numbers, -most))
    for place in pc.indices_nonzero(pc.fill_null(bad, False)).to_pylist():
        yield place, True


def _decimal_pattern(hint: str) -> str:
    whole, _ = _sizes(hint)
    return rf"^[+-]?0*[0-9]{{0,{whole}}}(\.[0-9]*)?$"


def _sizes(hint: str) -> tuple[int, int]:
    """Digits before and after the point of `decimal(p,s)`."""
    sizes = [int(size) for size in re.findall(r"\d+", hint)] or [38, 0]
    scale = sizes[1] if len(sizes) > 1 else 0
    return max(sizes[0] - scale, 0), scale


def _loses(text: str, hint: str) -> bool:
    """Whether ingestr would surely make something else of the text; it makes NULL of others."""
    kind = hint.partition("(")[0]
    if kind == "time":
        return bool(_FRACTION.search(text))
    if kind not in _BITS and kind != "decimal":
        return False
    try:
        number = Decimal(text)
    except InvalidOperation:
        return True
    if not number.is_finite():
        return True
    return _overflows(number, hint) or (kind in _BITS and number % 1 != 0)


def _overflows(number: Decimal, hint: str) -> bool:
    kind = hint.partition("(")[0]
    if kind in _BITS:
        most = 2 ** (_BITS[kind] - 1)
        return not -most <= number < most
    return abs(number) >= Decimal(10) ** _sizes(hint)[0]


def _whole(array: Any, hint: str) -> Found:
    """Numbers that are not whole, or too large for the type."""
    bits = _BITS[hint]
    try:
        array.cast(getattr(pa, f"int{bits}")())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        yield from _each(array, hint)


def _sized(array: Any, hint: str) -> Found:
    """Numbers with more digits before the point than the type has."""
    most = Decimal(10) ** _sizes(hint)[0]
    if pa.types.is_floating(array.type) and not pc.all(pc.is_finite(array), min_count=0).as_py():
        yield from _each(array, hint)
        return
    ends = pc.min_max(array).as_py()
    if ends["min"] is not None and any(abs(Decimal(str(end))) >= most for end in ends.values()):
        yield from _each(array, hint)


def _each(array: Any, hint: str) -> Found:
    for place, value in enumerate(array.to_pylist()):
        if value is not None and _loses(str(value), hint):
            yield place, True
