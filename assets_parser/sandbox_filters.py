"""Filters, tests and methods of templates, bounded and as Bruin has them. The sandbox uses them.

Jinja's own would compute whatever they are asked for; each is asked here first what that is.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, TypeAlias

from jinja2 import Undefined
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.tests import TESTS as JINJA_TESTS

from assets_parser import allowance, limits
from assets_parser.date_filters import FILTERS as DATE_FILTERS

Function: TypeAlias = Callable[..., Any]

_PADDING_METHODS = frozenset({"center", "ljust", "rjust", "zfill"})
_FORMATS = frozenset({"format", "format_map"})
_TEXT_FILTERS = frozenset(  # those of None are empty in Bruin, as None itself prints nothing
    {"string", "upper", "lower", "capitalize", "title", "trim", "replace"}
)


def check_method(owner: str, method: str, args: Any, kwargs: Mapping[str, Any]) -> None:
    """The call of a text's method makes a text of a fair length."""
    values = (*args, *kwargs.values())
    if method in _PADDING_METHODS:
        limits.padding(values)
    elif method in _FORMATS:
        limits.brace_format(owner, values)
    elif method == "join" and args and isinstance(args[0], (list, tuple)):
        limits.joined(args[0], owner)
    elif method == "replace" and all(isinstance(arg, str) for arg in args[:2]):
        limits.replaced(owner, *args[:2])
    elif method == "expandtabs":
        limits.lines(owner, values[0] if values else 8)
    elif method == "translate":
        found = args[0].values() if args and isinstance(args[0], Mapping) else ()
        limits.repeated(found, (owner,))
    elif method == "encode":
        raise limits.TooMuch("encoding a text")


def check_helper(values: tuple[Any, ...]) -> None:
    """A helper may write each of its texts once for each item of a list."""
    texts = [value for value in values if isinstance(value, str)]
    limits.repeated(texts, [value for value in values if isinstance(value, (list, tuple))])


def _bounded(name: str, function: Function) -> Function:
    at = 1 if hasattr(function, "jinja_pass_arg") else 0  # where the filtered value is
    check = _CHECKS.get(name)

    @wraps(function)  # keeps what Jinja notes on a function, such as pass_environment
    def bounded(*args: Any, **kwargs: Any) -> Any:
        value, *rest = args[at:]
        if value is None and name in _TEXT_FILTERS:
            value = ""
        if isinstance(value, Iterator):
            value = list(value)
        limits.nested((value, *rest, *kwargs.values()))
        if check:
            check(value, rest, kwargs)
        result = function(*args[:at], value, *rest, **kwargs)
        if isinstance(result, Iterator):  # a list, as in Bruin: it has a length and can be printed
            result = list(result)
        allowance.current().made(result)
        return result

    return bounded


def _bounded_test(function: Any) -> Function:
    @wraps(function)  # see _bounded
    def bounded(*args: Any) -> Any:
        limits.nested(args)
        return function(*args)

    return bounded


def _default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """Jinja's default, which in Bruin also replaces None."""
    is_missing = isinstance(value, Undefined) or value is None
    return default_value if is_missing or (boolean and not value) else value


def _given(rest: list[Any], kwargs: Mapping[str, Any], at: int, name: str, default: Any) -> Any:
    return rest[at] if len(rest) > at else kwargs.get(name, default)


def _check_padding(value: Any, rest: list[Any], kwargs: Mapping[str, Any]) -> None:
    values = [*rest, *kwargs.values()]
    limits.padding(values)
    if isinstance(value, str):
        limits.repeated([one for one in values if isinstance(one, str)], (value,))


def _check_indent(value: Any, rest: list[Any], kwargs: Mapping[str, Any]) -> None:
    limits.lines(str(value), _given(rest, kwargs, 0, "width", 4))


def _check_join(value: Any, rest: list[Any], kwargs: Mapping[str, Any]) -> None:
    if not isinstance(value, Undefined):
        limits.joined(value, str(_given(rest, kwargs, 0, "d", "")))


def _check_replace(value: Any, rest: list[Any], kwargs: Mapping[str, Any]) -> None:
    old, new = _given(rest, kwargs, 0, "old", ""), _given(rest, kwargs, 1, "new", "")
    limits.replaced(str(value), str(old), str(new))


def _check_format(value: Any, rest: list[Any], kwargs: Mapping[str, Any]) -> None:
    limits.percent_format(str(value), (*rest, *kwargs.values()))


def _check_sum(value: Any, rest: list[Any], kwargs: Mapping[str, Any]) -> None:
    if isinstance(_given(rest, kwargs, 1, "start", 0), (list, tuple)):
        limits.lists(len(value))


def _check_json(value: Any, rest: list[Any], kwargs: Mapping[str, Any]) -> None:
    if indent := _given(rest, kwargs, 0, "indent", None):
        limits.indented(value, indent)


def _check_pprint(value: Any, rest: list[Any], kwargs: Mapping[str, Any]) -> None:
    limits.indented(value, 1)


_CHECKS: Mapping[str, Callable[[Any, list[Any], Mapping[str, Any]], None]] = {
    **dict.fromkeys(("center", "batch", "slice", "wordwrap", "round"), _check_padding),
    **dict.fromkeys(("truncate", "urlize"), _check_padding),
    "tojson": _check_json,
    "pprint": _check_pprint,
    "indent": _check_indent,
    "join": _check_join,
    "replace": _check_replace,
    "format": _check_format,
    "sum": _check_sum,
}

_KNOWN: Mapping[str, Any] = {**JINJA_FILTERS, **DATE_FILTERS, "default": _default, "d": _default}
FILTERS: Mapping[str, Function] = {name: _bounded(name, one) for name, one in _KNOWN.items()}
TESTS: Mapping[str, Function] = {name: _bounded_test(one) for name, one in JINJA_TESTS.items()}
