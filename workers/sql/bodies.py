"""A SQL asset's own text: which statement is its query, and what stands before and after it.

Pure; called by workers.sql.strategies.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from assets_parser.sql_lexer import pieces
from assets_parser.sql_tables import statements
from workers.sql.scripts import BadAsset

_QUERIES = frozenset(
    "SELECT VALUES FROM TABLE PIVOT UNPIVOT DESCRIBE SHOW SUMMARIZE EXPLAIN".split()  # noqa: SIM905
)
_CHANGES = frozenset("INSERT UPDATE DELETE MERGE".split())  # noqa: SIM905
_TRANSACTIONS = frozenset("BEGIN START COMMIT ROLLBACK END ABORT SAVEPOINT RELEASE".split())  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Part:
    """One statement of the text, which starts at `line` (from 0) of it."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Body:
    """The query that gives the asset's rows, and the statements around it."""

    query: Part
    setup: tuple[Part, ...] = ()
    after: tuple[Part, ...] = ()


def parts(text: str, grammar: str) -> tuple[Part, ...]:
    """The statements of a script, each with its line."""
    found, at = [], 0
    for statement in statements(text, grammar):
        start = text.index(statement, at)
        found.append(Part(statement, text.count("\n", 0, start)))
        at = start + len(statement)
    return tuple(found)


def is_query(text: str, grammar: str) -> bool:
    """Whether a script is one statement that gives rows."""
    found = parts(text, grammar)
    return len(found) == 1 and _gives_rows(found[0].text, grammar)


def body(text: str, grammar: str) -> Body:
    """The text of an asset that is materialized; BadAsset if not exactly one statement gives rows.

    Bruin makes the table of the first statement and drops the rows of all others.
    """
    found = parts(text, grammar)
    if not found:
        raise BadAsset("there is no query", "write a SELECT below the definition")
    if len(found) == 1:
        return Body(found[0])
    queries = [part for part in found if _gives_rows(part.text, grammar)]
    if len(queries) != 1:
        raise _not_one(found, queries)
    for part in found:
        if _first_word(part.text, grammar) in _TRANSACTIONS:
            word = _first_word(part.text, grammar)
            raise BadAsset(
                f"{word} stands beside the query: the table is made in a transaction already",
                "remove it, or remove `materialization` and write the whole script yourself",
            )
    at = found.index(queries[0])
    return Body(found[at], found[:at], found[at + 1 :])


def _not_one(found: tuple[Part, ...], queries: list[Part]) -> BadAsset:
    if not queries:
        return BadAsset(
            f"none of the {len(found)} statements is a query that gives the table's rows",
            "end with a SELECT, or remove `materialization` to run them as they are",
        )
    return BadAsset(
        f"{len(queries)} statements are queries, and only one can become the table",
        "join them with UNION ALL, or make an asset of each",
    )


def _first_word(text: str, grammar: str) -> str:
    return next(_words(text, grammar), "")


def _gives_rows(text: str, grammar: str) -> bool:
    """Whether a statement is a query; behind WITH stands the word that tells."""
    words = _words(text, grammar)
    first = next(words, "")
    if first != "WITH":
        return first in _QUERIES
    return next((word in _QUERIES for word in words if word in _QUERIES | _CHANGES), False)


def _words(text: str, grammar: str) -> Iterator[str]:
    """The words outside of parentheses; of a text that is all in parentheses, those inside."""
    depth = 0
    opened = False  # a word outside was seen
    for piece in pieces(text, grammar):
        word = text[piece.start : piece.end]
        if piece.kind == "sign":
            depth += {"(": 1, ")": -1}.get(word, 0)
        elif piece.kind == "word" and (depth == 0 or not opened):
            opened = True
            yield word.upper()
        elif piece.kind in ("quoted", "string"):
            opened = True
