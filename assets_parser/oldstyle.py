"""The old single-line headers, `# @bruin.key: value`, for files without a block."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from assets_parser.columns import CHECKS, bad_check
from assets_parser.durations import seconds
from assets_parser.fields import Values
from assets_parser.header import TRIM
from assets_parser.model import Dependency
from assets_parser.source import Source, shortened

MARKERS = {".py": "#", ".r": "#", ".sql": "--"}
_FIELD = "@bruin."
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_INTEGER = re.compile(r"[-+]?\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Old:
    """The fields of a single-line header and what is left of the file."""

    values: Values
    body: str
    body_line: int


def read(source: Source, content: str, marker: str) -> Old | None:
    """The header's fields, or None when no line of the file is one."""
    if _FIELD not in content:
        return None
    rows: list[tuple[int, str]] = []
    body: list[str] = []
    body_line = 0
    for number, line in enumerate(content.split("\n"), 1):
        if not line.startswith(marker):
            body.append(line.removesuffix("\r"))
            body_line = body_line or (number if line.strip(TRIM) else 0)
        elif (note := line.removeprefix(marker).strip(TRIM)).startswith(_FIELD):
            rows.append((number, note.removeprefix(_FIELD)))
    if not rows:
        return None
    values = _fields(source, rows)
    return Old(values=values, body="\n".join(body).strip(TRIM), body_line=body_line or 1)


def truth(text: str) -> bool | None:
    """True or false as Go's ParseBool reads it, None if it is neither."""
    return True if text in _TRUE else False if text in _FALSE else None


def switch(text: str) -> bool | str | None:
    """`enabled`: true, false or a template, None if it is none of them."""
    if "{{" in text or "{%" in text:
        return text.strip(TRIM)
    return truth(text.strip(TRIM))


def _fields(source: Source, rows: list[tuple[int, str]]) -> Values:
    values: Values = {}
    for line, row in rows:
        key, colon, value = row.partition(":")
        if colon:
            _field(source, values, key.strip(TRIM), value.strip(TRIM), line)
    columns = values.pop("columns", None)
    if columns:
        values["columns"] = list(columns.values())
    return values


def _field(source: Source, values: Values, key: str, value: str, line: int) -> None:
    source.lines[key] = line
    first, *rest = key.split(".")
    if not rest and first in _PLAIN:
        _set(source, values, first, value, kind=_PLAIN[first], line=line)
    elif key == "depends":
        names = [name.strip(TRIM) for name in value.split(",")]
        values.setdefault(key, []).extend(Dependency(value=name, line=line) for name in names)
    elif key == "secrets":
        values.setdefault(key, []).extend(_secret(item, line) for item in value.split(","))
    elif first == "parameters" and len(rest) == 1:
        values.setdefault(first, {})[rest[0]] = value
    elif first == "materialization" and len(rest) == 1:
        _materialization(values.setdefault(first, {}), rest[0].lower(), value)
    elif first == "columns" and len(rest) == 2:
        columns = values.setdefault(first, {})
        column = columns.setdefault(rest[0], {"name": rest[0], "line": line})
        _column(source, column, rest[1], value, line)
    elif key == "routing.egress_gateway":
        values["routing"] = {"egress_gateway": value}


def _set(source: Source, values: Values, key: str, value: str, *, kind: str, line: int) -> None:
    read_value = _READ[kind](value)
    if read_value is None:
        source.fault(None, f"{key}: '{shortened(value)}' is not {kind}", line=line)
    else:
        values[key] = read_value


def _secret(item: str, line: int) -> Values:
    key, alias, *_rest = [*item.split(":"), ""]
    return {"key": key.strip(TRIM), "inject_as": alias.strip(TRIM), "line": line}


def _materialization(values: Values, key: str, value: str) -> None:
    if key in ("type", "strategy"):
        values[key] = value.lower()
    elif key in ("partition_by", "incremental_key", "incremental_predicate"):
        values[key] = value
    elif key == "cluster_by":
        values.setdefault(key, []).extend(name.strip(TRIM) for name in value.split(","))


def _column(source: Source, column: Values, key: str, value: str, line: int) -> None:
    if key == "checks":
        _checks(source, column, value, line)
    elif key == "type":
        column[key] = value.lower()
    elif key in _COLUMN:
        _set(source, column, key, value, kind=_COLUMN[key], line=line)


def _checks(source: Source, column: Values, value: str, line: int) -> None:
    checks = column.setdefault("checks", [])
    for name in (part.strip(TRIM) for part in value.split(",")):
        if name not in CHECKS:
            bad_check(source, name, None, line)
        elif any(check["name"] == name for check in checks):
            source.fault(None, f"the check '{name}' is repeated", rule="check-repeated", line=line)
        else:
            checks.append({"name": name, "line": line})


_PLAIN = {
    **dict.fromkeys(("name", "description", "type", "connection", "image"), "text"),
    **dict.fromkeys(("instance", "start_date"), "text"),
    **dict.fromkeys(("retries", "rerun_cooldown"), "a whole number"),
    **dict.fromkeys(("refresh_restricted", "full_refresh_restricted"), "true or false"),
    "enabled": "true, false or a template",
    "timeout": "a duration such as 90s or 1h30m",
}
_COLUMN = {
    **dict.fromkeys(("mask", "default", "collation"), "text"),
    **dict.fromkeys(("precision", "scale", "length"), "a whole number"),
    "primary_key": "true or false",
}


def _text(value: str) -> str:
    return value


def _whole(value: str) -> int | None:
    return int(value) if _INTEGER.fullmatch(value) else None


_READ: dict[str, Callable[[str], Any]] = {
    "text": _text,
    "a whole number": _whole,
    "true or false": truth,
    "true, false or a template": switch,
    "a duration such as 90s or 1h30m": seconds,
}
