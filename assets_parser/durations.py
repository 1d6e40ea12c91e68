"""Durations as Go writes them (`1h30m`) and interval modifiers (`-2d`). Field tables call these."""

import re

from assets_parser.fields import Values, record
from assets_parser.model import IntervalShift
from assets_parser.source import Source
from assets_parser.yaml_text import PLAIN, Node, ScalarNode, typed

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_WHOLE = re.compile(rf"(?P<sign>[-+]?)(?P<parts>0|(?:{_PART.pattern})+)", re.ASCII)
_LONGEST = 2**63  # nanoseconds

_SHIFT = re.compile(r"(?P<count>[-+]?\d{1,18})(?P<unit>ns|ms|s|m|h|d|M)", re.ASCII)
_SHIFT_FIELDS = {
    "ns": "nanoseconds",
    "ms": "milliseconds",
    "s": "seconds",
    "m": "minutes",
    "h": "hours",
    "d": "days",
    "M": "months",
}


def seconds(text: str) -> float | None:
    """A Go duration such as `1h30m` in seconds; None if the text is none."""
    match = _WHOLE.fullmatch(text) if len(text) <= 200 else None
    if match is None:
        return None
    total = sum(float(count) * _UNITS[unit] for count, unit in _PART.findall(match["parts"]))
    if total >= _LONGEST:
        return None
    return (-total if match["sign"] == "-" else total) / 1e9


def duration(source: Source, node: Node, path: str) -> float | None:
    """A time span in seconds; a bare number has no unit and is a fault."""
    if isinstance(node, ScalarNode):
        bare = node.tag == PLAIN and not isinstance(typed(node), str)
        if not bare and (found := seconds(node.value)) is not None:
            return found
    hint = "write a number with a unit, such as 90s, 15m or 1h30m"
    source.fault(node, "not a duration", hint=hint)
    return None


def shift(source: Source, node: Node, path: str) -> IntervalShift | None:
    """One side of `interval_modifiers`; no shift at all counts as not written."""
    text = node.value if isinstance(node, ScalarNode) else ""
    if "{{" in text or "{%" in text:
        return IntervalShift(template=text)
    if match := _SHIFT.fullmatch(text):
        count = int(match["count"])
        given: Values = {_SHIFT_FIELDS[match["unit"]]: count}
        return IntervalShift(**given) if count else None
    hint = "write a number with one unit of ns ms s m h d M, such as -2h or 1M"
    source.fault(node, "not an interval modifier", hint=hint)
    return None


_SIDES = record({"start": shift, "end": shift})


def modifiers(source: Source, node: Node, path: str) -> Values | None:
    """`interval_modifiers`: the shifts of start and end that are written."""
    values: Values | None = _SIDES(source, node, path)
    return values or None
