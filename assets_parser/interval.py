"""The interval of a run: how its ends are read, moved and written. Plan and templates use it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from assets_parser import layouts
from assets_parser.model import IntervalModifiers, IntervalShift

_SHIFT = re.compile(r"(?P<number>[+-]?\d+)(?P<unit>ns|ms|s|m|h|d|M)", re.ASCII)
_SHIFTS: dict[str, Callable[[int], IntervalShift]] = {
    "ns": lambda number: IntervalShift(nanoseconds=number),
    "ms": lambda number: IntervalShift(milliseconds=number),
    "s": lambda number: IntervalShift(seconds=number),
    "m": lambda number: IntervalShift(minutes=number),
    "h": lambda number: IntervalShift(hours=number),
    "d": lambda number: IntervalShift(days=number),
    "M": lambda number: IntervalShift(months=number),
}
_LONGEST = 12  # digits; longer numbers leave the calendar anyway


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """What a run covers, both ends included, and when it runs; all three know their zone."""

    start: datetime
    end: datetime
    execution: datetime


def parse_moment(text: str) -> datetime:
    """The moment that a person wrote, in UTC unless it has a zone; ValueError says why not."""
    return layouts.read(text)[0]


def default_interval(now: datetime | None = None) -> Interval:
    """All of yesterday by this machine's calendar, called UTC as Bruin does; `now` has a zone."""
    here = (now or datetime.now(UTC)).astimezone()
    yesterday = here.date() - timedelta(days=1)
    return Interval(
        start=datetime.combine(yesterday, time.min, UTC),
        end=datetime.combine(yesterday, time.max, UTC),
        execution=here.astimezone(UTC),
    )


def checked(interval: Interval) -> Interval:
    """The interval itself; ValueError if it starts after its end."""
    if interval.start > interval.end:
        start, end = timestamp(interval.start), timestamp(interval.end)
        raise ValueError(f"the interval starts at {start}, after its end {end}")
    return interval


def date(value: datetime) -> str:
    """`2024-01-31`."""
    return f"{value.year:04}-{value.month:02}-{value.day:02}"


def date_nodash(value: datetime) -> str:
    """`20240131`."""
    return date(value).replace("-", "")


def date_time(value: datetime) -> str:
    """`2024-01-31T10:20:30`."""
    return f"{date(value)}T{value.hour:02}:{value.minute:02}:{value.second:02}"


def timestamp(value: datetime) -> str:
    """`2024-01-31T10:20:30.000000Z`: always six digits, and an offset if not in UTC."""
    return f"{date_time(value)}.{value.microsecond:06}{layouts.zone_text(value)}"


def read_shift(text: str, *, zero: bool = False) -> IntervalShift:
    """A shift such as `-2h`; `zero` also takes a bare 0. ValueError names the units."""
    if zero and text == "0":
        return IntervalShift()
    found = _SHIFT.fullmatch(text)
    if found is None or len(found["number"]) > _LONGEST:
        raise ValueError(f"{text!r} is no interval: write a number and ns, ms, s, m, h, d or M")
    return _SHIFTS[found["unit"]](int(found["number"]))


def shift(value: datetime, by: IntervalShift) -> datetime:
    """The moment moved: months and days as Go's AddDate does, then the time. ValueError outside of
    the years 1 to 9999.
    """
    moved = layouts.add_date(value, months=by.months, days=by.days)
    try:
        return moved + timedelta(
            hours=by.hours,
            minutes=by.minutes,
            seconds=by.seconds,
            milliseconds=by.milliseconds,
            microseconds=by.nanoseconds // 1000,
        )
    except OverflowError as error:
        raise ValueError("the date leaves the years 1 to 9999") from error


def modified(
    interval: Interval, modifiers: IntervalModifiers | None, render: Callable[[str], str]
) -> Interval:
    """The interval with both ends moved; `render` turns a templated shift into its text.

    ValueError if that text is no shift, or the interval then starts after its end.
    """
    if modifiers is None:
        return interval
    start = shift(interval.start, _resolved(modifiers.start, render))
    end = shift(interval.end, _resolved(modifiers.end, render))
    return checked(replace(interval, start=start, end=end))


def _resolved(by: IntervalShift | None, render: Callable[[str], str]) -> IntervalShift:
    if by is None:
        return IntervalShift()
    return read_shift(render(by.template).strip(), zero=True) if by.template else by
