"""Columns, column checks and custom checks of a definition. `definition` puts them in its table."""

import math
from typing import Any

from assets_parser.fields import (
    Values,
    flag,
    integer,
    placed,
    record,
    scalar,
    sequence,
    text,
    text_map,
    texts,
    trimmed,
)
from assets_parser.notices import notifications
from assets_parser.source import Source, nearest, shortened
from assets_parser.yaml_text import Node, ScalarNode, SequenceNode, fits_64_bits, is_null

CHECKS = (
    "not_null",
    "unique",
    "positive",
    "negative",
    "non_negative",
    "min",
    "max",
    "accepted_values",
    "pattern",
    "relationships",
)


def check_value(source: Source, node: Node, path: str) -> Any:
    """The value that a check compares with; a list holds numbers that Go can hold, or texts."""
    if isinstance(node, SequenceNode):
        return _value_list(source, node)
    value = scalar(source, node) if isinstance(node, ScalarNode) else node
    if value is node or not _fits(value):
        source.fault(node, "a check's value is a number, a text, true, false or a list")
        return None
    return value  # an unquoted date stays the text that was written


def _fits(value: Any) -> bool:
    """Whether Go holds the number, if it is one."""
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or fits_64_bits(value)


def _value_list(source: Source, node: SequenceNode) -> list[Any]:
    items = []
    source.spend(node, len(node.value) + 1)
    for item in node.value:
        if not isinstance(item, ScalarNode):
            source.fault(item, "a list of values holds numbers and texts only")
        elif not is_null(item):
            items.append(item)
    values = [scalar(source, item) for item in items]
    if all(type(value) in (int, float) and fits_64_bits(value) for value in values):
        return values
    return [
        value if isinstance(value, str) else item.value
        for value, item in zip(values, items, strict=True)
    ]


def check_name(source: Source, node: Node, path: str) -> str | None:
    """The name of a column check; one that is not known would never run."""
    name = text(source, node, path)
    if name is not None:
        bad_check(source, name, node, node.start_mark.line + 1)
    return name


def bad_check(source: Source, name: str, node: Node | None, line: int) -> None:
    """Report a check name that does not exist."""
    if name in CHECKS:
        return
    hint = nearest(name, CHECKS) or "one of " + ", ".join(CHECKS)
    source.fault(
        node, f"there is no check '{shortened(name)}'", rule="check-name", hint=hint, line=line
    )


_CHECK = placed(
    record(
        {
            "name": check_name,
            "value": check_value,
            "blocking": flag,
            "description": text,
            "retries": integer,
            "notifications": notifications,
        }
    )
)


def checks(source: Source, node: Node, path: str) -> list[Values] | None:
    """The checks of one column, each with a name, each name once."""
    found: list[Values] | None = sequence(_CHECK, places=True)(source, node, path)
    seen: dict[str, int] = {}
    for check in found or ():
        name, line = check.get("name"), check["line"]
        if name is None:
            source.fault(None, "a check without a name", rule="check-name", line=line)
        elif name in seen:
            message = f"the check '{name}' is written twice, first in line {seen[name]}"
            source.fault(None, message, rule="check-repeated", line=line)
        else:
            seen[name] = line
    return found


def extends(source: Source, node: Node, path: str) -> str | None:
    """A glossary attribute, `Entity.Attribute`."""
    found = text(source, node, path)
    parts = (found or "").split(".")
    if found and len(parts) == 2:
        return ".".join(part.strip() for part in parts)
    if found:
        source.fault(node, f"'{found}' is not Entity.Attribute", hint="write exactly one dot")
    return None


_REFERENCE = record({"table": trimmed, "column": trimmed})
_UPSTREAM = record({"table": text, "column": text})

_COLUMN = placed(
    record(
        {
            "name": text,
            "type": trimmed,
            "description": text,
            "primary_key": flag,
            "update_on_merge": flag,
            "merge_sql": text,
            "nullable": flag,
            "default": text,
            "precision": integer,
            "scale": integer,
            "length": integer,
            "collation": text,
            "foreign_key": _REFERENCE,
            "source_column": text,
            "mask": trimmed,
            "owner": text,
            "tags": texts,
            "domains": texts,
            "meta": text_map,
            "extends": extends,
            "upstreams": sequence(_UPSTREAM),
            "checks": checks,
        }
    )
)
columns = sequence(_COLUMN, places=True)

_CUSTOM_CHECK = placed(
    record(
        {
            "name": text,
            "query": text,
            "value": integer,
            "count": integer,
            "blocking": flag,
            "description": text,
            "retries": integer,
            "notifications": notifications,
        }
    )
)
custom_checks = sequence(_CUSTOM_CHECK, places=True)
