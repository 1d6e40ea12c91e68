"""Unquoted dates in free values, which Go's yaml.v3 turns into timestamps. `fields` calls it."""

import re

_MOMENT = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"(?:(?:[Tt](?P<zoned>\d{1,2}:\d{1,2}:\d{1,2})(?P<f1>\.\d{1,9})?(?P<zone>Z|[-+]\d\d:\d\d))"
    r"|(?: (?P<bare>\d{1,2}:\d{1,2}:\d{1,2})(?P<f2>\.\d{1,9})?))?",
    re.ASCII,
)


def rfc3339(text: str) -> str | None:
    """The moment that an unquoted YAML scalar means, as RFC 3339 text; None if it is none."""
    if len(text) < 8 or text[4] != "-" or not (match := _MOMENT.fullmatch(text)):
        return None
    year, month, day = (int(match[name]) for name in ("year", "month", "day"))
    if not (1 <= month <= 12 and 1 <= day <= _days(year, month)):
        return None
    clock = match["zoned"] or match["bare"] or "0:0:0"
    hour, minute, second = (int(part) for part in clock.split(":"))
    if hour > 23 or minute > 59 or second > 59:
        return None
    fraction = (match["f1"] or match["f2"] or "").rstrip("0").rstrip(".")
    zone = match["zone"] or "Z"
    zone = "Z" if zone in ("+00:00", "-00:00") else zone
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}"


def _days(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31
