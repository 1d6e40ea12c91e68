"""The functions of policy expressions, as expr-lang names them. The evaluation calls them."""

from collections.abc import Callable, Mapping
from typing import Any

from assets_parser.policies.tokens import ExpressionError
from assets_parser.policies.work import Work

MOST_MADE = 1_000_000  # characters or items of what a function makes


def called(name: str, given: list[Any], work: Work) -> Any:
    """What the function gives; ExpressionError if it is not known or cannot take this."""
    if name not in FUNCTIONS:
        raise ExpressionError(f"there is no function '{name}' here")
    work.spend(sum(map(_size, given)) // 16)
    try:
        return FUNCTIONS[name](*given)
    except ExpressionError:
        raise
    except (TypeError, ValueError, AttributeError, KeyError, IndexError, OverflowError):
        kinds = ", ".join(kind(value) for value in given) or "nothing"
        raise ExpressionError(f"'{name}' cannot be called with {kinds}") from None


def kind(value: Any) -> str:
    """What a value is, in words."""
    if value is None:
        return "nil"
    for types, word in _KINDS:
        if isinstance(value, types):
            return word
    return "a value"


_KINDS: tuple[tuple[Any, str], ...] = (
    (bool, "true or false"),
    ((int, float), "a number"),
    (str, "a text"),
    ((list, tuple), "a list"),
    (Mapping, "a mapping"),
)


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple | Mapping) else 1


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError
    return list(value)


def _length(value: Any) -> int:
    if not isinstance(value, str | list | tuple | Mapping):
        raise TypeError
    return len(value)


def _split(text: str, separator: str, most: int = -1) -> list[str]:
    if not _text(separator):
        return list(_text(text))
    return _text(text).split(separator, -1 if most < 0 else max(0, most - 1))


def _join(items: Any, separator: str = "") -> str:
    texts = [_text(item) for item in _list(items)]
    if sum(map(len, texts)) + len(texts) * len(_text(separator)) > MOST_MADE:
        raise ExpressionError("'join' would make too long a text")
    return separator.join(texts)


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    if _text(text).count(_text(old)) * len(_text(new)) > MOST_MADE:
        raise ExpressionError("'replace' would make too long a text")
    return text.replace(old, new, count)


def _string(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _index_of(text: str, part: str) -> int:
    return _text(text).find(_text(part))


def _last_index_of(text: str, part: str) -> int:
    return _text(text).rfind(_text(part))


def _unique(items: Any) -> list[Any]:
    found: list[Any] = []
    for item in _list(items)[:10_000]:
        if item not in found:
            found.append(item)
    return found


def _trim(text: str, signs: str | None = None) -> str:
    return _text(text).strip(signs)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "len": _length,
    "lower": lambda text: _text(text).lower(),
    "upper": lambda text: _text(text).upper(),
    "trim": _trim,
    "trimPrefix": lambda text, part=" ": _text(text).removeprefix(_text(part)),
    "trimSuffix": lambda text, part=" ": _text(text).removesuffix(_text(part)),
    "hasPrefix": lambda text, part: _text(text).startswith(_text(part)),
    "hasSuffix": lambda text, part: _text(text).endswith(_text(part)),
    "split": _split,
    "join": _join,
    "replace": _replace,
    "indexOf": _index_of,
    "lastIndexOf": _last_index_of,
    "string": _string,
    "int": int,
    "float": float,
    "abs": abs,
    "ceil": lambda value: float(-(-value // 1)),
    "floor": lambda value: float(value // 1),
    "min": lambda *values: min(*values) if len(values) > 1 else min(_list(values[0])),
    "max": lambda *values: max(*values) if len(values) > 1 else max(_list(values[0])),
    "sum": lambda items: sum(_list(items)),
    "first": lambda items: next(iter(_list(items)), None),
    "last": lambda items: next(reversed(_list(items)), None),
    "reverse": lambda items: _list(items)[::-1],
    "sort": lambda items: sorted(_list(items)),
    "uniq": _unique,
    "keys": lambda found: list(found.keys()),
    "values": lambda found: list(found.values()),
    "get": lambda found, key: found.get(key) if isinstance(found, Mapping) else _list(found)[key],
}
