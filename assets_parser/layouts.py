"""Moments in the 21 layouts that Bruin reads. The interval and the date filters use it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY = r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
_NAMED_DAY = r"(?P<day>\d\d) +(?P<word>(?i:[a-z]{3})) +(?P<year>\d{4})"
_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(:(?P<second>\d\d)([.,](?P<fraction>\d+))?)?"
_ZONE = r"(?P<zone>Z|[+-]\d\d:\d\d)"
_FLAGS = re.ASCII
_ISO = re.compile(rf"{_DAY}((?P<separator>T| +){_TIME}{_ZONE}?)?", _FLAGS)
_NAMED = re.compile(rf"{_NAMED_DAY}((?P<separator> +){_TIME}{_ZONE})?", _FLAGS)
_PRINTED_FRACTIONS = (3, 6)  # any other number of digits is read, but its layout has no fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a moment was written, so that a changed one is written the same way."""

    named: bool = False  # 31 Jan 2024 instead of 2024-01-31
    separator: str = ""  # between date and time; empty if there is no time
    seconds: bool = False
    fraction: int = 0  # digits
    zone: bool = False

    def text(self, moment: datetime) -> str:
        """The moment in this layout; parts that it does not have are lost."""
        return self._date(moment) + (self._time(moment) if self.separator else "")

    def _date(self, moment: datetime) -> str:
        if not self.named:
            return f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
        return f"{moment.day:02} {_MONTHS[moment.month - 1].title()} {moment.year:04}"

    def _time(self, moment: datetime) -> str:
        clock = f"{moment.hour:02}:{moment.minute:02}"
        seconds = f":{moment.second:02}" if self.seconds else ""
        digits = f"{moment.microsecond:06}"[: self.fraction]
        fraction = f".{digits}" if self.fraction else ""
        return (
            self.separator + clock + seconds + fraction + (zone_text(moment) if self.zone else "")
        )


def read(text: str) -> tuple[datetime, Layout]:
    """The moment that the text names, in UTC without a zone, and its layout. ValueError if none."""
    found = _ISO.fullmatch(text) or _NAMED.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a date, such as 2024-01-31 or 2024-01-31T10:20:30")
    try:
        return _moment(found), _layout(found)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a date: {error}") from error


def zone_text(moment: datetime) -> str:
    """`Z` for UTC, otherwise the offset such as `+02:00`."""
    offset = moment.utcoffset() or timedelta()
    if not offset:
        return "Z"
    sign, minutes = ("-", -offset) if offset < timedelta() else ("+", offset)
    hours, rest = divmod(int(minutes.total_seconds()) // 60, 60)
    return f"{sign}{hours:02}:{rest:02}"


def add_date(moment: datetime, *, years: int = 0, months: int = 0, days: int = 0) -> datetime:
    """Adds as Go's AddDate does: 31 January plus a month is 2 or 3 March.

    ValueError outside of the years 1 to 9999.
    """
    year, month = divmod((moment.year + years) * 12 + moment.month - 1 + months, 12)
    try:
        first = moment.replace(year=year, month=month + 1, day=1)
        return first + timedelta(days=moment.day - 1 + days)
    except (OverflowError, ValueError) as error:
        raise ValueError("the date leaves the years 1 to 9999") from error


def _moment(found: re.Match[str]) -> datetime:
    part = found.groupdict()
    month = int(part["month"]) if part.get("month") else _month_number(part["word"])
    micros = int((part["fraction"] or "")[:6].ljust(6, "0"))
    hour, minute, second = (int(part[name] or 0) for name in ("hour", "minute", "second"))
    day = datetime(int(part["year"]), month, int(part["day"]), tzinfo=_zone(part["zone"]))
    return day.replace(hour=hour, minute=minute, second=second, microsecond=micros)


def _month_number(word: str) -> int:
    if word.lower() not in _MONTHS:
        raise ValueError(f"{word} is no month")
    return _MONTHS.index(word.lower()) + 1


def _zone(text: str | None) -> tzinfo:
    if text is None or text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)


def _layout(found: re.Match[str]) -> Layout:
    part = found.groupdict()
    named = "word" in part
    digits = len(part["fraction"] or "")
    return Layout(
        named=named,
        separator=(part["separator"] or "")[:1],
        seconds=part["second"] is not None,
        fraction=digits if digits in ((3,) if named else _PRINTED_FRACTIONS) else 0,
        zone=part["zone"] is not None,
    )
