"""The date filters of templates: add_days, truncate_month, date_format, ... For the sandbox.

A filter takes whatever a template gives it, reads it as text, and raises ValueError.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from assets_parser import layouts

_NUMBER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_DIRECTIVE = re.compile(r"%[A-Za-z]")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DIRECTIVES: Mapping[str, Callable[[datetime], str]] = {
    "%Y": lambda moment: f"{moment.year:04}",
    "%y": lambda moment: f"{moment.year % 100:02}",
    "%m": lambda moment: f"{moment.month:02}",
    "%d": lambda moment: f"{moment.day:02}",
    "%H": lambda moment: f"{moment.hour:02}",
    "%I": lambda moment: f"{(moment.hour + 11) % 12 + 1:02}",
    "%p": lambda moment: "PM" if moment.hour >= 12 else "AM",
    "%M": lambda moment: f"{moment.minute:02}",
    "%S": lambda moment: f"{moment.second:02}",
    "%f": lambda moment: f"{moment.microsecond:06}",
    "%j": lambda moment: f"{moment.timetuple().tm_yday:03}",
    "%z": lambda _: "Z",
    "%Z": lambda _: "Z",
    "%a": lambda moment: _WEEKDAYS[moment.weekday()][:3],
    "%A": lambda moment: _WEEKDAYS[moment.weekday()],
    "%b": lambda moment: _MONTHS[moment.month - 1][:3],
    "%B": lambda moment: _MONTHS[moment.month - 1],
}


def date_format(value: Any, form: Any, /) -> str:
    """The moment in Python's format; directives that neither Bruin nor we know stay as they are."""
    moment, _ = layouts.read(str(value))
    return _DIRECTIVE.sub(lambda found: _directive(found[0], moment), str(form))


def _directive(text: str, moment: datetime) -> str:
    write = _DIRECTIVES.get(text)
    return write(moment) if write else text


def _adding(move: Callable[[datetime, int], datetime]) -> Callable[[Any, Any], str]:
    def add(value: Any, number: Any, /) -> str:
        if not _NUMBER.fullmatch(str(number)):
            raise ValueError(f"{str(number)!r} is no whole number")
        moment, layout = layouts.read(str(value))
        try:
            return layout.text(move(moment, int(str(number))))
        except OverflowError:
            raise ValueError("the date leaves the years 1 to 9999") from None

    return add


def _truncating(**parts: int) -> Callable[..., str]:
    def truncate(value: Any, /, *_unused: Any) -> str:  # Bruin takes arguments and needs none
        moment, layout = layouts.read(str(value))
        changed = moment
        for name, number in parts.items():
            changed = changed.replace(**{name: number})  # type: ignore[arg-type]
        return layout.text(changed)

    return truncate


def _add_days() -> Callable[[Any, Any], str]:
    return _adding(lambda moment, number: layouts.add_date(moment, days=number))


FILTERS: Mapping[str, Callable[..., str]] = {
    "add_years": _adding(lambda moment, number: layouts.add_date(moment, years=number)),
    "add_months": _adding(lambda moment, number: layouts.add_date(moment, months=number)),
    "add_days": _add_days(),
    "date_add": _add_days(),
    "add_hours": _adding(lambda moment, number: moment + timedelta(hours=number)),
    "add_minutes": _adding(lambda moment, number: moment + timedelta(minutes=number)),
    "add_seconds": _adding(lambda moment, number: moment + timedelta(seconds=number)),
    "add_milliseconds": _adding(lambda moment, number: moment + timedelta(milliseconds=number)),
    "date_format": date_format,
    "truncate_year": _truncating(month=1, day=1, hour=0, minute=0, second=0, microsecond=0),
    "truncate_month": _truncating(day=1, hour=0, minute=0, second=0, microsecond=0),
    "truncate_day": _truncating(hour=0, minute=0, second=0, microsecond=0),
    "truncate_hour": _truncating(minute=0, second=0, microsecond=0),
}
for _name, _filter in FILTERS.items():
    _filter.__qualname__ = _name  # what Python's own errors call it
