"""What a SQL text says, as far as others must know: its statements and the tables that it reads.

For the plan's order, rules and lineage, and for the workers that run scripts. sqlglot is imported
only when a text is looked into.
"""

from collections.abc import Iterator
from dataclasses import replace

from assets_parser.sql_lexer import Piece, pieces
from assets_parser.sql_references import Reference, references

_ENDS_OF_OTHERS = frozenset({"IF", "LOOP", "WHILE", "REPEAT", "FOR", "CASE"})
_ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "TRIGGER"})
_PLATFORMS = {
    "bq": "bigquery",
    "db2": "",
    "fabric": "tsql",
    "fw": "tsql",
    "google_cloud_platform": "bigquery",
    "motherduck": "duckdb",
    "ms": "tsql",
    "mssql": "tsql",
    "my": "mysql",
    "pg": "postgres",
    "rs": "redshift",
    "sail": "spark",
    "sf": "snowflake",
    "synapse": "tsql",
    "vertica": "postgres",
}
_SAME = frozenset(
    """
    athena clickhouse databricks doris dremio duckdb mysql oracle postgres redshift snowflake spark
    sqlite starrocks trino
    """.split()  # noqa: SIM905 - a list of quoted words hides them
)


def dialect_of(platform: str) -> str:
    """sqlglot's name for the SQL of a platform, connection type or asset type; empty if unknown."""
    word = platform.partition(".")[0]
    return _PLATFORMS.get(word, word if word in _SAME else "")


def reads(sql: str, dialect: str = "") -> tuple[Reference, ...]:
    """The places where a script reads a table that it does not make itself.

    Every name of a statement that cannot be parsed is one: who asks knows which tables there are.
    """
    found = references_of(sql, dialect)
    made = {one.name.casefold() for one in found if one.use == "created"}
    read = (one for one in found if one.use in ("read", "word"))
    return tuple(one for one in read if one.name.casefold() not in made)


def references_of(sql: str, dialect: str = "") -> tuple[Reference, ...]:
    """All places of a script that name a table."""
    found: list[Reference] = []
    for first, last in _statements(sql, dialect):
        for one in references(sql[first.start : last.end], dialect):
            schema_at = one.schema_at + first.start if one.schema_at >= 0 else -1
            found.append(replace(one, start=one.start + first.start, schema_at=schema_at))
    return tuple(found)


def statements(sql: str, dialect: str = "") -> tuple[str, ...]:
    """The statements of a script, verbatim with their comments, without the `;` between them.

    A part that holds nothing but comments is no statement.
    """
    return tuple(sql[first.start : last.end] for first, last in _statements(sql, dialect))


def _statements(sql: str, dialect: str) -> Iterator[tuple[Piece, Piece]]:
    """First and last piece of each statement."""
    current: list[Piece] = []
    nesting = _Nesting()
    for piece in pieces(sql, dialect):
        text = sql[piece.start : piece.end]
        if piece.kind == "sign" and text == ";" and not nesting:
            yield from _ends(current)
            current, nesting = [], _Nesting()
        elif piece.kind != "space":
            current.append(piece)
            if piece.kind in ("word", "sign"):
                nesting.see(text.upper())
    yield from _ends(current)


def _ends(found: list[Piece]) -> Iterator[tuple[Piece, Piece]]:
    if any(piece.kind != "comment" for piece in found):
        yield found[0], found[-1]


class _Nesting:
    """Whether a `;` stands inside of a statement: in parentheses, or in a routine's body."""

    def __init__(self) -> None:
        self.parentheses = self.blocks = self.words = 0
        self.is_create = self.is_routine = False
        self.last = ""

    def __bool__(self) -> bool:
        return self.parentheses > 0 or self.blocks > 0

    def see(self, text: str) -> None:
        """Take note of the next word or sign, in capitals."""
        if text in ("(", ")"):
            self.parentheses = max(self.parentheses + (1 if text == "(" else -1), 0)
        elif text[0].isalpha():
            self._word(text)
        self.last = text

    def _word(self, word: str) -> None:
        self.words += 1
        self.is_create = self.is_create or (self.words == 1 and word == "CREATE")
        self.is_routine = self.is_routine or (self.is_create and word in _ROUTINES)
        if not self.is_routine:
            return
        if word == "BEGIN" or (self.blocks and word == "CASE" and self.last != "END"):
            self.blocks += 1
        elif self.blocks and word == "END":
            self.blocks -= 1
        elif self.last == "END" and word in _ENDS_OF_OTHERS - {"CASE"}:
            self.blocks += 1  # END IF closes no BEGIN
