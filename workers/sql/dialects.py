"""How each platform writes names, texts and patterns. A table; used by workers.sql.queries."""

from collections.abc import Callable
from dataclasses import dataclass, replace

Mismatch = Callable[[str, str], str]  # (column, quoted pattern) -> condition that it does not match


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way to write SQL.

    `text` is the type that any value can be cast to; `escapes` says that a backslash in a text
    literal is an escape there, and `quote` is how such a literal holds a quote. `count` is the
    function whose result does not overflow. `flags` says that a boolean is a number there.
    """

    name: str
    quotes: str = '""'
    text: str = "VARCHAR"
    escapes: bool = False
    quote: str = "''"
    count: str = "COUNT"
    flags: bool = False
    mismatch: Mismatch

    def identifier(self, name: str) -> str:
        """The name, quoted, so that reserved words and odd characters are names."""
        opening, closing = self.quotes[0], self.quotes[1]
        return f"{opening}{name.replace(closing, closing * 2)}{closing}"

    def table(self, parts: tuple[str, ...]) -> str:
        """A name of several parts, each quoted."""
        return ".".join(self.identifier(part) for part in parts)

    def literal(self, value: str | bool | int | float) -> str:
        """The value as a literal: numbers as they are, everything else as a quoted text."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return repr(value)
        text = str(value).lower() if isinstance(value, bool) else value
        if self.escapes:
            text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        return "'" + text.replace("'", self.quote) + "'"

    def as_text(self, column: str) -> str:
        """The column's value as text."""
        return f"CAST({column} AS {self.text})"

    def boolean(self, value: bool) -> list[str]:
        """How the platform may write a boolean as text."""
        return [str(value).lower(), str(int(value))] if self.flags else [str(value).lower()]


def _operator(sign: str) -> Mismatch:
    return lambda column, pattern: f"{column} {sign} {pattern}"


def _function(name: str) -> Mismatch:
    return lambda column, pattern: f"NOT {name}({column}, {pattern})"


def _dialect(name: str, mismatch: Mismatch, **more: str | bool) -> Dialect:
    return Dialect(name=name, mismatch=mismatch, **more)  # type: ignore[arg-type] # all by name


_ANSI = _dialect("ansi", _operator("NOT LIKE"))
_MYSQL = _dialect(
    "mysql", _operator("NOT REGEXP"), quotes="``", text="CHAR", escapes=True, flags=True
)
_LIKE_MYSQL = replace(_MYSQL, mismatch=_operator("NOT LIKE"))
# SQL Server has no regular expressions; its LIKE is what Bruin uses too.
_MSSQL = _dialect(
    "mssql",
    _operator("NOT LIKE"),
    quotes="[]",
    text="NVARCHAR(4000)",
    count="COUNT_BIG",
    flags=True,
)

# By connection type of .bruin.yml.
_BY_TYPE: dict[str, Dialect] = {
    "athena": _dialect("trino", _function("REGEXP_LIKE")),
    "clickhouse": _dialect(
        # without Nullable a cast of NULL is an error there
        "clickhouse",
        _function("match"),
        text="Nullable(String)",
        escapes=True,
    ),
    "databricks": _dialect(
        "databricks", _operator("NOT RLIKE"), quotes="``", text="STRING", escapes=True, quote="\\'"
    ),
    "doris": replace(_LIKE_MYSQL, text="STRING"),
    "duckdb": _dialect("duckdb", _operator("!~")),  # there: the whole value
    "fabric": _MSSQL,
    "google_cloud_platform": _dialect(
        "bigquery",
        _function("REGEXP_CONTAINS"),
        quotes="``",
        text="STRING",
        escapes=True,
        quote="\\'",
    ),
    "motherduck": _dialect("duckdb", _operator("!~")),
    "mssql": _MSSQL,
    "mysql": _MYSQL,
    "oracle": _dialect("oracle", _function("REGEXP_LIKE"), text="VARCHAR2(4000)", flags=True),
    "postgres": _dialect("postgres", _operator("!~"), text="TEXT"),
    "redshift": _dialect("redshift", _operator("!~"), escapes=True),
    "snowflake": _dialect(  # there: the whole value
        "snowflake", _operator("NOT REGEXP"), text="STRING", escapes=True
    ),
    "sqlite": _dialect("sqlite", _operator("NOT REGEXP"), text="TEXT", flags=True),
    "starrocks": replace(_LIKE_MYSQL, text="STRING"),
    "synapse": _MSSQL,
    "trino": _dialect("trino", _function("REGEXP_LIKE")),
    "vertica": _ANSI,
}


def of(connection_type: str) -> Dialect:
    """The dialect of a connection type, plain ANSI for one that is not known."""
    return _BY_TYPE.get(connection_type, _ANSI)
