"""Cuts SQL text into strings, comments, words and signs, exactly and without understanding it.

For assets_parser.sql_tables: a script is split here, where no parser can stumble over a new word.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["comment", "space", "string", "quoted", "word", "sign"]

_MYSQL = frozenset({"doris", "mysql", "starrocks"})
_SPARK = frozenset({"databricks", "spark"})
_POSTGRES = frozenset({"duckdb", "postgres", "redshift"})
_BACKTICKED = _MYSQL | _SPARK | {"bigquery", "clickhouse", "sqlite", ""}
_BACKSLASHED = _MYSQL | _SPARK | {"bigquery", "clickhouse", "redshift", "snowflake"}
_DOUBLE_IS_STRING = _MYSQL | _SPARK | {"bigquery"}
_DOLLARED = _POSTGRES | {"clickhouse", "databricks", "snowflake", ""}
_HASHED = frozenset({"bigquery", "mysql"})  # `#` starts a comment
_BRACKETED = frozenset({"sqlite", "tsql"})
_NESTING = _POSTGRES | {"tsql", ""}  # /* /* */ */ is one comment


_KINDS: Mapping[str, Kind] = {  # by the group of the pattern
    "block": "comment",
    "comment": "comment",
    "dollar": "string",
    "quoted": "quoted",
    "sign": "sign",
    "space": "space",
    "string": "string",
    "word": "word",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the text: `sql[start:end]`."""

    kind: Kind
    start: int
    end: int


def pieces(sql: str, dialect: str = "") -> Iterator[Piece]:
    """All of the text, piece by piece; what is never closed reaches to the end."""
    pattern = _pattern(dialect)
    at = 0
    while at < len(sql):
        found = pattern.match(sql, at)
        group = (found.lastgroup if found else None) or "sign"
        end = found.end() if found else at + 1
        if group == "block":
            end = _comment_end(sql, at, nests=dialect in _NESTING)
        elif group == "dollar":
            end = _dollar_end(sql, at, end)
        yield Piece(_KINDS[group], at, end)
        at = end


@functools.cache
def _pattern(dialect: str) -> re.Pattern[str]:
    """One alternative per kind; each reads on to the end of the text rather than fail."""
    is_hashed, is_backslashed = dialect in _HASHED, dialect in _BACKSLASHED
    strings = [r"[eE]" + _escaped("'"), _escaped("'") if is_backslashed else _doubled("'", "'")]
    names = []
    if dialect == "bigquery":
        strings = [
            r"[rRbB]{0,2}'''[\s\S]*?(?:'''|\Z)",
            r'[rRbB]{0,2}"""[\s\S]*?(?:"""|\Z)',
            *strings,
        ]
    if dialect in _DOUBLE_IS_STRING:
        strings.append(_escaped('"'))
    else:
        names.append(_doubled('"', '"'))
    if dialect in _BACKTICKED:
        names.append(_doubled("`", "`"))
    if dialect in _BRACKETED:
        names.append(_doubled("[", "]"))
    parts = {
        "space": r"\s+",
        "comment": r"--[^\n]*" + (r"|\#[^\n]*" if is_hashed else ""),
        "block": r"/\*",
        "string": "|".join(strings),
        "quoted": "|".join(names),
        "dollar": r"\$(?:[^\W\d]\w*)?\$" if dialect in _DOLLARED else r"(?!)",
        "word": r"\w[\w$]*",
    }
    return re.compile("|".join(f"(?P<{kind}>{text})" for kind, text in parts.items()))


def _doubled(opening: str, closing: str) -> str:
    """Text between the signs, in which the closing sign twice means the sign itself."""
    first, last = re.escape(opening), re.escape(closing)
    return rf"{first}[^{last}]*(?:{last}{last}[^{last}]*)*(?:{last}|\Z)"


def _escaped(sign: str) -> str:
    """Text between the signs, in which a backslash or the sign twice means the sign itself."""
    inside = rf"[^{sign}\\]*"
    return rf"{sign}{inside}(?:(?:\\[\s\S]|{sign}{sign}){inside})*(?:{sign}|\\?\Z)"


def _comment_end(sql: str, start: int, *, nests: bool) -> int:
    depth, at = 1, start + 2
    signs = re.compile(r"/\*|\*/" if nests else r"\*/")
    while depth:
        found = signs.search(sql, at)
        if found is None:
            return len(sql)
        depth += 1 if found[0] == "/*" else -1
        at = found.end()
    return at


def _dollar_end(sql: str, start: int, end: int) -> int:
    """Where a $tag$ text $tag$ ends."""
    found = sql.find(sql[start:end], end)
    return found + end - start if found >= 0 else len(sql)
