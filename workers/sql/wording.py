"""What a failed check says to a person. Pure; called by workers.checks."""

from assets_parser.model import Check, Column

_WORDS = {
    "not_null": "has {n} null {value}",
    "unique": "has {n} {value} that {repeat} another",
    "positive": "has {n} {value} that {is_} not positive",
    "non_negative": "has {n} negative {value}",
    "negative": "has {n} {value} that {is_} not negative",
    "min": "has {n} {value} below {limit}",
    "max": "has {n} {value} above {limit}",
    "accepted_values": "has {n} {value} outside the accepted values {limit}",
    "pattern": "has {n} {value} that {do} not match the pattern {limit}",
    "relationships": "has {n} {value} that {is_} not in {parent}",
}


def failed(column: Column, check: Check, rows: int) -> str:
    """`column 'mail' has 3 null values`, for `rows` that break the check."""
    one = rows == 1
    parent = column.foreign_key
    words = _WORDS[check.name].format(
        n=f"{rows:,}",
        value="value" if one else "values",
        is_="is" if one else "are",
        do="does" if one else "do",
        repeat="repeats" if one else "repeat",
        limit=_short(check.value),
        parent=f"{parent.table}.{parent.column}" if parent else "the other table",
    )
    return f"column {column.name!r} {words}"


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
