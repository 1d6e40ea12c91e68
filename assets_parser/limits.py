"""What one template may ask for before it is refused. The sandbox asks here before it computes.

Python's own operators and text methods know no bounds: `'a' * 10**10` takes the machine's memory.
"""

import re
from collections.abc import Iterable, Sized
from typing import Any

MOST_TEXT = 10_000_000  # characters, of the output and of any text on the way to it
MOST_WORK = 300_000  # loop passes and calls of one rendering
_MOST_REPEATED = 100_000  # items of a repeated text or list, and columns of padding
_MOST_BITS = 8_000  # of a whole number
_WIDE_PERCENT = re.compile(r"%[^a-zA-Z%]*(?:\d{5}|\*)")
_WIDE_BRACES = re.compile(r"\{[^}]*(?:\d{5}|\{)")


class TooMuch(Exception):
    """The template asks for more work or text than any pipeline needs."""


def text(length: int) -> None:
    """A text or list of this length is fine, or TooMuch."""
    if length > MOST_TEXT:
        raise TooMuch(f"a text of more than {MOST_TEXT:,} characters")


def padding(values: Iterable[Any]) -> None:
    """None of the arguments is an absurd width."""
    if any(isinstance(value, int) and abs(value) > _MOST_REPEATED for value in values):
        raise TooMuch(f"more than {_MOST_REPEATED:,} columns")


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
