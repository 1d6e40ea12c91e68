"""The text of check queries. Pure; called by workers.checks.

A column check is a measure: an expression over all rows of the table that must be 0. Several
measures of one table are asked in one scan.
"""

import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assets_parser.model import Column
from workers.sql.dialects import Dialect

NUMERIC = re.compile(
    r"^(nullable\()?(u?(tiny|small|big|huge)?int|integer|decimal|numeric|number|float|double|real|money)",
    re.IGNORECASE,
)

_FLAG = re.compile(
    r"^(bool|bit\b|tinyint|number\(1|integer)", re.IGNORECASE
)  # may hold true, false


class BadCheck(ValueError):
    """The check cannot be written as SQL; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number over a table. `condition` picks the rows that are counted; without one,
    `expression` is computed instead. `count` is the platform's function."""

    condition: str = ""
    expression: str = ""
    count: str = "COUNT"

    @property
    def selected(self) -> str:
        """As one item of a SELECT list."""
        return self.expression or f"{self.count}(CASE WHEN {self.condition} THEN 1 END)"


def single(table: str, measure: Measure) -> str:
    """The query for one measure, ready to paste."""
    if measure.condition:
        rows = f"{measure.count}(*)"
        return f"SELECT {rows} FROM {table} WHERE {measure.condition}"  # noqa: S608 - quoted above
    return f"SELECT {measure.expression} FROM {table}"  # noqa: S608 - quoted above


def combined(table: str, measures: Sequence[Measure]) -> str:
    """One query for all measures: one row, a number for each."""
    selected = ", ".join(measure.selected for measure in measures)
    return f"SELECT {selected} FROM {table}"  # noqa: S608 - every part is quoted


def counted(query: str, dialect: Dialect | None = None) -> str:
    """The number of rows that a query gives."""
    rows = f"{dialect.count if dialect else 'COUNT'}(*)"
    return f"SELECT {rows} FROM (\n{bare(query)}\n) t"  # noqa: S608 - it is the user's own


def bare(query: str) -> str:
    """The query without the semicolons at its end."""
    return query.strip().rstrip(";" + string.whitespace)


def measure(
    dialect: Dialect, check: str, column: str, value: Any, *, kind: str = "", parent: str = ""
) -> Measure:
    """The measure of a column check.

    `column` is quoted, `kind` the column's type in the database. `parent` is the table and column
    that `relationships` looks into, quoted. Raises BadCheck.
    """
    write = _CHECKS.get(check)
    if write is None:
        raise BadCheck(f"unknown check {check!r}; known: {', '.join(sorted(_CHECKS))}")
    made = write(_Question(dialect=dialect, column=column, value=value, kind=kind, parent=parent))
    return replace(made, count=dialect.count)


def parent_of(dialect: Dialect, column: Column, parts: tuple[str, ...], key: str) -> str:
    """The subquery that gives the keys of the table that `column` refers to."""
    if not parts or not key:
        raise BadCheck(f"relationships of {column.name!r} needs foreign_key.table and .column")
    name = dialect.identifier(key)
    table = dialect.table(parts)
    return f"SELECT {name} FROM {table} WHERE {name} IS NOT NULL"  # noqa: S608 - quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    dialect: Dialect
    column: str
    value: Any
    kind: str
    parent: str


def _compare(template: str) -> Callable[[_Question], Measure]:
    return lambda question: Measure(condition=template.format(question.column))


def _bound(sign: str) -> Callable[[_Question], Measure]:
    def write(question: _Question) -> Measure:
        value = question.value
        if not isinstance(value, str | int | float) or value == "":
            raise BadCheck(f"a bound must be a number or a text, not {value!r}")
        return Measure(condition=f"{question.column} {sign} {question.dialect.literal(value)}")

    return write


def _accepted(question: _Question) -> Measure:
    values = question.value
    if not isinstance(values, list | tuple) or not values:
        raise BadCheck(f"accepted_values needs a list of values, not {values!r}")
    if NUMERIC.match(question.kind) and all(_is_number(value) for value in values):
        inside = ", ".join(repr(value) for value in values)
        return Measure(condition=f"{question.column} NOT IN ({inside})")
    texts = dict.fromkeys(text for one in values for text in _spellings(question, one))
    inside = ", ".join(question.dialect.literal(text) for text in texts)
    return Measure(condition=f"{question.dialect.as_text(question.column)} NOT IN ({inside})")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _spellings(question: _Question, value: object) -> list[str]:
    """How a database may write the value as text. A definition's list holds booleans as texts."""
    truth = {"true": True, "false": False}.get(str(value).lower())
    if isinstance(value, bool) or (truth is not None and _FLAG.match(question.kind)):
        return question.dialect.boolean(truth is True)
    if isinstance(value, float) and value.is_integer():
        return [str(int(value)), str(value)]
    return [str(value)]


def _pattern(question: _Question) -> Measure:
    if not isinstance(question.value, str) or not question.value:
        raise BadCheck(f"pattern needs a text, not {question.value!r}")
    literal = question.dialect.literal(question.value)
    return Measure(condition=question.dialect.mismatch(question.column, literal))


def _relationships(question: _Question) -> Measure:
    column = question.column
    return Measure(condition=f"{column} IS NOT NULL AND {column} NOT IN ({question.parent})")


def _unique(question: _Question) -> Measure:
    count, column = question.dialect.count, question.column
    return Measure(expression=f"{count}({column}) - {count}(DISTINCT {column})")


_CHECKS: dict[str, Callable[[_Question], Measure]] = {
    "accepted_values": _accepted,
    "max": _bound(">"),
    "min": _bound("<"),
    "negative": _compare("{} >= 0"),
    "non_negative": _compare("{} < 0"),
    "not_null": _compare("{} IS NULL"),
    "pattern": _pattern,
    "positive": _compare("{} <= 0"),
    "relationships": _relationships,
    "unique": _unique,
}
