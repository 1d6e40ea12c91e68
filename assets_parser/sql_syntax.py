"""Parses one SQL statement with sqlglot, as hostile input: bounded, silent, never an exception.

sqlglot is imported at the first parse: most commands look into no SQL.
"""

import functools
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.parser import Parser

_MOST_TEXT = 200_000  # characters of one statement
_MOST_RETREATS = 100_000  # nested array[...] double the parser's attempts with each level


def parsed(statement: str, dialect: str = "") -> "exp.Expr | None":
    """The statement's tree; None if it is not one statement that sqlglot understands."""
    if len(statement) > _MOST_TEXT:
        return None
    from sqlglot import exp  # noqa: PLC0415 - takes a third of a second
    from sqlglot.errors import SqlglotError  # noqa: PLC0415

    try:
        parser = _parser(dialect)
        trees = [
            tree for tree in parser.parse(parser.dialect.tokenize(statement), statement) if tree
        ]
    except (SqlglotError, RecursionError, _TooMuch):
        return None
    if len(trees) != 1 or isinstance(trees[0], exp.Command):
        return None
    return trees[0]


def _parser(dialect: str) -> "Parser":
    from sqlglot.dialects.dialect import Dialect  # noqa: PLC0415

    found = Dialect.get_or_raise(dialect or None)
    made: Parser = _bounded(found.parser_class)(dialect=found)
    return made


class _TooMuch(Exception):
    """The parser tries one way after the other, without end."""


@functools.cache
def _bounded(base: "type[Parser]") -> "type[Parser]":
    """The dialect's parser, which gives up when it has gone back too often."""
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # what it does not know is no news

    class Bounded(base):  # type: ignore[valid-type,misc]
        _retreats = 0

        def _retreat(self, index: Any) -> None:
            self._retreats += 1
            if self._retreats > _MOST_RETREATS:
                raise _TooMuch
            super()._retreat(index)

    return Bounded
