"""Checks a schedule as Bruin does: robfig/cron's five fields and its @words. Validation calls it.

A reader of its own, because what counts is the grammar that Bruin accepts, not that of a library.
"""

import re
import zoneinfo
from dataclasses import dataclass, field

from assets_parser import durations

_WORDS = frozenset(
    {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
)
_BARE_WORDS = frozenset({"daily", "hourly", "weekly", "monthly"})
_ALWAYS = frozenset({"", "continuous", "@continuous"})
_EVERY = "@every "
_STARS = re.compile(r"[*?][^/]*(/\+?0*1)?", re.ASCII)
_NUMBER = re.compile(r"\+?\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    name: str
    low: int
    high: int
    words: dict[str, int] = field(default_factory=dict)


def _numbered(words: str, first: int) -> dict[str, int]:
    return {word: number for number, word in enumerate(words.split(), first)}


_FIELDS = (
    _Field(name="minute", low=0, high=59),
    _Field(name="hour", low=0, high=23),
    _Field(name="day of month", low=1, high=31),
    _Field(
        name="month",
        low=1,
        high=12,
        words=_numbered("jan feb mar apr may jun jul aug sep oct nov dec", 1),
    ),
    _Field(name="day of week", low=0, high=6, words=_numbered("sun mon tue wed thu fri sat", 0)),
)


def check_schedule(schedule: str) -> None:
    """Checks `schedule:` of a pipeline; ValueError says what is wrong."""
    if schedule in _ALWAYS:
        return
    check(f"@{schedule}" if schedule in _BARE_WORDS else schedule)


def check(expression: str) -> None:
    """Checks a cron expression or @word, a TZ= before it or not; ValueError says what is wrong."""
    rest = _without_zone(expression)
    if rest.startswith("@"):
        _check_word(rest)
        return
    parts = rest.split()
    if len(parts) != len(_FIELDS):
        raise ValueError(
            f"a schedule has five fields (minute hour day month weekday), not {len(parts)}"
        )
    for part, one in zip(parts, _FIELDS, strict=True):
        _check_field(part, one)


def plain(expression: str) -> str:
    """Five valid fields with every span written out, for readers that know less of the grammar."""
    parts = zip(expression.split(), _FIELDS, strict=True)
    return " ".join(_plain_field(part, one) for part, one in parts)


def _plain_field(text: str, one: _Field) -> str:
    if any(_STARS.fullmatch(item) for item in text.split(",")):
        return "*"  # the day of the month and the weekday need to know that nothing is asked for
    numbers = {number for item in text.split(",") for number in _item_numbers(item, one)}
    return ",".join(map(str, sorted(numbers)))


def _item_numbers(item: str, one: _Field) -> range:
    span, *steps = item.split("/")
    first, last = _span(span, one)
    if steps and "-" not in span:
        last = one.high  # 10/20 means from 10 on
    return range(first, last + 1, _plain_number(steps[0], one) if steps else 1)


def _without_zone(expression: str) -> str:
    if not expression.startswith(("TZ=", "CRON_TZ=")):
        return expression
    zone, _, rest = expression.partition("=")[2].partition(" ")
    if zone not in ("", "UTC", "Local"):
        _check_zone(zone)
    return rest.strip()


def _check_zone(zone: str) -> None:
    try:
        zoneinfo.ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"there is no time zone {zone}: write it as Europe/Berlin or UTC"
        ) from None


def _check_word(word: str) -> None:
    if word in _WORDS:
        return
    if not word.startswith(_EVERY):
        known = ", ".join(sorted(_WORDS))
        raise ValueError(f"{word} is none of {known} and @every 5m")
    seconds = durations.seconds(word.removeprefix(_EVERY))
    if seconds is None:
        raise ValueError(f"{word} needs a duration such as 90s, 5m or 1h30m, of up to 292 years")
    if seconds <= 0:
        raise ValueError(f"{word} is no interval: it must be longer than nothing")


def _check_field(text: str, one: _Field) -> None:
    for item in text.split(","):
        _check_item(item, one)


def _check_item(item: str, one: _Field) -> None:
    span, *steps = item.split("/")
    first, last = _span(span, one)
    if len(steps) > 1:
        raise ValueError(f"{one.name}: {item!r} has too many slashes")
    if not one.low <= first <= last <= one.high:
        raise ValueError(f"{one.name}: {item!r} is not within {one.low} to {one.high}")
    if steps and _plain_number(steps[0], one) == 0:
        raise ValueError(f"{one.name}: {item!r} has a step of 0")


def _span(text: str, one: _Field) -> tuple[int, int]:
    low, *highs = text.split("-")
    if low in ("*", "?"):
        return one.low, one.high  # whatever follows, as in Bruin
    if len(highs) > 1:
        raise ValueError(f"{one.name}: {text!r} has too many hyphens")
    first = _number(low, one)
    return first, _number(highs[0], one) if highs else first


def _number(text: str, one: _Field) -> int:
    word = one.words.get(text.lower())
    return _plain_number(text, one) if word is None else word


def _plain_number(text: str, one: _Field) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{one.name}: {text!r} is no number")
    return int(text)
