"""What ingestr is told about columns: types, keys, masks. Pure; called by workers.loader."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from assets_parser.model import Column

_TYPES = {
    "tinyint": "tinyint byte",
    "smallint": "smallint int2 short",
    "int": "int integer int4 mediumint serial year int32",
    "bigint": "bigint int8 long byteint oid int64 bigserial",
    "double": "float float4 float8 float32 float64 double real",
    "decimal": "decimal numeric number money bigdecimal bignumeric smallmoney dec",
    "binary": "binary varbinary blob bytea bytes bit image",
    "boolean": "bool boolean",
    "date": "date",
    "time": "time timetz",
    "timestamp": "datetime timestamp timestamptz timestamp_tz timestamp_ltz datetimeoffset",
    "timestamp_ntz": "timestamp_ntz datetime2 smalldatetime",
    "interval": "interval",
    "text": (
        "string text varchar char character nvarchar nchar ntext clob longtext mediumtext tinytext "
        "bpchar uuid uniqueidentifier xml enum set inet cidr citext name"
    ),
    "json": "json jsonb variant struct array map record object super",
}
_HINTS = {word: hint for hint, words in _TYPES.items() for word in words.split()}
_PHRASES = {
    "double precision": "double",
    "character varying": "text",
    "timestamp without time zone": "timestamp_ntz",
    "timestamp with time zone": "timestamp",
    "time without time zone": "time",
    "time with time zone": "time",
}
_SPELLING = re.compile(
    r"^([a-z_][a-z_0-9 ]*?)\s*(?:\(([\d\s,]+)\)|[<(].*)?(?:\s+[a-z ]+)?$", re.DOTALL
)
_LONGEST = 10_000  # characters of a type; a longer one is none
MAX_PRECISION = 38
SCALE = 9  # of a decimal that is declared without digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """One entry of --columns: the target's column, its type, and the column of the data."""

    name: str
    type: str = ""
    source: str = ""

    @property
    def converts(self) -> bool:
        """Whether a value may not fit: any does where the type is text."""
        return bool(self.type) and not self.type.startswith(("text", "varchar", "json", "binary"))

    def __str__(self) -> str:
        if self.source:
            return f"{self.name}:{self.type}:{self.source}"
        return f"{self.name}:{self.type}"


def type_of(column: Column) -> str:
    """ingestr's word for the column's declared type, empty if there is none for it."""
    written = " ".join(column.type.lower().split())
    if written in _PHRASES:
        return _PHRASES[written]
    match = _SPELLING.match(written) if len(written) <= _LONGEST else None
    if not match:
        return ""
    hint = _PHRASES.get(match[1]) or _HINTS.get(match[1].split("(")[0].strip(), "")
    sizes = [int(size) for size in (match[2] or "").replace(",", " ").split()]
    if hint == "decimal":
        return _decimal(column, sizes)
    if hint == "text" and (sizes or column.length):
        return f"varchar({sizes[0] if sizes else column.length})"
    return hint


def declared(columns: Iterable[Column]) -> list[Hint]:
    """The hints that `enforce_schema` asks for; columns of unknown type have none."""
    found = []
    for column in columns:
        hint = type_of(column)
        if hint or column.source_column:
            found.append(Hint(name=column.name, type=hint, source=column.source_column))
    return found


def flag(hints: Sequence[Hint]) -> str:
    """The value of --columns; the last hint of a name wins, as there is one flag for all."""
    last = {hint.name.lower(): str(hint) for hint in hints}
    return ",".join(last.values())


def keys(columns: Iterable[Column]) -> list[str]:
    """The primary key's columns."""
    return [column.name for column in columns if column.primary_key]


def masks(columns: Iterable[Column], parameter: object) -> list[str]:
    """The values of --mask: those of columns, then those that `parameters.mask` names."""
    found = [f"{column.name}:{column.mask}" for column in columns if column.mask]
    if isinstance(parameter, Mapping):
        found += [f"{name}:{algorithm}" for name, algorithm in parameter.items()]
    elif isinstance(parameter, list | tuple):
        found += [str(item) for item in parameter]
    elif parameter:
        found += [item.strip() for item in str(parameter).split(",") if item.strip()]
    return found


def _decimal(column: Column, sizes: list[int]) -> str:
    precision = sizes[0] if sizes else column.precision
    scale = (sizes[1] if len(sizes) > 1 else 0) if sizes else (column.scale or 0)
    if not precision:  # ingestr would round to whole numbers
        return f"decimal({MAX_PRECISION},{SCALE})"
    return f"decimal({min(precision, MAX_PRECISION)},{scale})"
