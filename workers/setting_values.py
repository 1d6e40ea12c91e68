"""How the text of a setting becomes its value and back. workers.settings uses it, by type."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_DURATION = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_SIZE = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_BOOL = {"true": True, "yes": True, "on": True, "1": True}
_BOOL |= {"false": False, "no": False, "off": False, "0": False}


def _number(units: Mapping[str, float]) -> Callable[[Any], float]:
    def parse(raw: Any) -> float:
        if isinstance(raw, bool):
            raise TypeError(raw)
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*([a-z]*)\s*", str(raw).lower())
        if not match:
            raise ValueError(raw)
        return float(match[1]) * units[match[2]]

    return parse


def _plain(raw: Any) -> str:
    if not isinstance(raw, str | Path):
        raise TypeError(raw)
    return str(raw)


def _words(raw: Any) -> tuple[str, ...]:
    if isinstance(raw, Mapping):  # a table of the file: `name = 2` is the word name=2
        raw = [f"{_plain(key)}={value}" for key, value in raw.items()]
    parts = raw.split(",") if isinstance(raw, str) else raw
    return tuple(word for part in parts if (word := _plain(part).strip()))


PARSE: dict[Any, Callable[[Any], Any]] = {
    Path: _plain,
    str: _plain,
    int: lambda raw: int(_number(_SIZE)(raw)),
    float: _number(_DURATION),
    bool: lambda raw: raw if isinstance(raw, bool) else _BOOL[str(raw).strip().lower()],
    tuple[str, ...]: _words,
}
EXPECTED: dict[Any, str] = {
    Path: "expected a folder",
    str: "expected a text (a path, where the setting is one)",
    int: "expected a whole number, for sizes also such as 20GB",
    float: "expected a time such as 20, 5m or 30d",
    bool: "expected true or false",
    tuple[str, ...]: "expected a list of texts",
}


def text(value: Any) -> str:
    """The value as an environment variable holds it."""
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
