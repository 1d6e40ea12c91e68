"""What one template may ask for before it is refused. The sandbox asks here before it computes.

Python's own operators and text methods know no bounds: `'a' * 10**10` takes the machine's memory.
"""

import re
from collections.abc import Collection, Iterable, Sized
from itertools import chain
from typing import Any

MOST_TEMPLATE = 200_000  # characters of one template, with the files that it includes
MOST_TEXT = 10_000_000  # characters, of the output and of any text on the way to it
_MOST_REPEATED = 100_000  # items of a repeated text or list, and columns of padding
_MOST_BITS = 8_000  # of a whole number
_MOST_LISTS = 1_000  # that one sum puts together
_MOST_WORD = 1_000  # characters of a text that a filter repeats
_ITEM = 50  # characters that an item of a list counts for
_CONTAINERS = (list, tuple, dict, set, frozenset)
_WIDE_PERCENT = re.compile(r"%[^a-zA-Z%]*(?:\d{5}|\*)")
_WIDE_BRACES = re.compile(r"\{[^}]*(?:\d{5}|\{)")


class TooMuch(Exception):
    """The template asks for more work or text than any pipeline needs."""


def text(length: int) -> None:
    """A text or list of this length is fine, or TooMuch."""
    if length > MOST_TEXT:
        raise TooMuch(f"a text of more than {MOST_TEXT:,} characters")


def nested(values: Collection[Any]) -> None:
    """All that the values hold, also within each other, is of a fair size when it is written out.

    Few lists of few items can mean very many: each of them twice within the next.
    """
    length = 0
    for value in values:
        if isinstance(value, _CONTAINERS):
            _size_and_depth(values)
            return
        length += len(value) if isinstance(value, str) else 0
    text(length)


def indented(value: Any, width: Any) -> None:
    """The value is of a fair size with each item on a line of its own, behind so many blanks."""
    size, depth = _size_and_depth((value,))
    text(size * depth * (_length(width) if isinstance(width, str) else width))


def _size_and_depth(values: Iterable[Any]) -> tuple[int, int]:
    size = depth = 0
    level: list[Iterable[Any]] = [values]
    while level:
        below: list[Iterable[Any]] = []
        for value in chain.from_iterable(level):
            size += _ITEM
            if isinstance(value, str):
                size += len(value)
            elif isinstance(value, dict):
                below.extend((value.keys(), value.values()))
            elif isinstance(value, _CONTAINERS):
                below.append(value)
            if size > MOST_TEXT:
                text(size)
        level = below
        depth += 1
    return size, depth


def padding(values: Iterable[Any]) -> None:
    """None of the arguments is an absurd width or a long text."""
    for value in values:
        if isinstance(value, int) and abs(value) > _MOST_REPEATED:
            raise TooMuch(f"more than {_MOST_REPEATED:,} columns")
        if isinstance(value, str) and len(value) > _MOST_WORD:
            raise TooMuch(f"a text of more than {_MOST_WORD:,} characters between others")


def lines(whole: str, between: Any) -> None:
    """A width or a text between all lines, or at all tabs, makes a text of a fair length."""
    breaks = whole.count("\n") + whole.count("\t") + 1
    text(breaks * (between if isinstance(between, int) else _length(between)))


def repeated(values: Iterable[Any], items: Iterable[Any]) -> None:
    """The longest of the values once for each of the items makes a text of a fair length."""
    text(_largest(values) * sum(len(item) if isinstance(item, Sized) else 1 for item in items))


def lists(count: int) -> None:
    """As many lists may be put together at once."""
    if count > _MOST_LISTS:
        raise TooMuch(f"a sum of more than {_MOST_LISTS:,} lists")


def percent_format(form: str, values: Any) -> None:
    """`form % values` pads to no absurd width and repeats no huge text."""
    if _WIDE_PERCENT.search(form):
        raise TooMuch("a format with such a width")
    text(form.count("%") * _largest(values if isinstance(values, tuple) else (values,)))


def brace_format(form: str, values: Iterable[Any]) -> None:
    """`form.format(values)` pads to no absurd width and repeats no huge text."""
    if _WIDE_BRACES.search(form):
        raise TooMuch("a format with such a width")
    text(form.count("{") * _largest(values))


def joined(items: Iterable[Any], separator: str = "") -> None:
    """The items and the separators between them make a text of a fair length."""
    text(sum(_length(item) + len(separator) for item in items))


def replaced(whole: str, old: str, new: str) -> None:
    """Replacing makes a text of a fair length."""
    text(len(whole) + whole.count(old) * len(new))


def added(left: Any, right: Any) -> None:
    """`left + right` is of a fair length."""
    text(_length(left) + _length(right))


def multiplied(left: Any, right: Any) -> None:
    """`left * right` is of a fair length."""
    if isinstance(left, int) and isinstance(right, int):
        _number(left.bit_length() + right.bit_length())
    for many, times in ((left, right), (right, left)):
        is_repeated = isinstance(many, (str, list, tuple)) and isinstance(times, int)
        if is_repeated and len(many) * times > _MOST_REPEATED:
            raise TooMuch(f"more than {_MOST_REPEATED:,} repeated items")


def raised(base: Any, exponent: Any) -> None:
    """`base ** exponent` is a number that a person could read."""
    if isinstance(base, int) and isinstance(exponent, int):
        _number(base.bit_length() * max(exponent, 0))


def _number(bits: int) -> None:
    if bits > _MOST_BITS:
        raise TooMuch(f"a number of more than {_MOST_BITS:,} bits")


def _largest(values: Iterable[Any]) -> int:
    return max((_length(value) for value in values), default=0)


def _length(value: Any) -> int:
    return len(value) if isinstance(value, Sized) else 20  # a number or a word
