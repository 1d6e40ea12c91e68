"""How moments are read, moved and written."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from assets_parser.interval import (
    Interval,
    checked,
    default_interval,
    modified,
    parse_moment,
    read_shift,
    shift,
    timestamp,
)
from assets_parser.model import IntervalModifiers, IntervalShift

DAY = datetime(2024, 1, 31, tzinfo=UTC)


def interval(start: str, end: str) -> Interval:
    """An interval between two written moments."""
    return Interval(start=parse_moment(start), end=parse_moment(end), execution=DAY)


def no_template(template: str) -> str:
    """For shifts that hold no template."""
    raise AssertionError(template)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-31", "2024-01-31T00:00:00.000000Z"),
        ("2024-01-31 10:20", "2024-01-31T10:20:00.000000Z"),
        ("2024-01-31 7:20", "2024-01-31T07:20:00.000000Z"),
        ("2024-01-31T10:20:30", "2024-01-31T10:20:30.000000Z"),
        ("2024-01-31T10:20:31.5", "2024-01-31T10:20:31.500000Z"),
        ("2024-01-31 10:20:30.123Z", "2024-01-31T10:20:30.123000Z"),
        ("2024-01-31T10:20:30.123456789", "2024-01-31T10:20:30.123456Z"),
        ("2024-01-31T10:20:30+02:00", "2024-01-31T10:20:30.000000+02:00"),
        ("2024-01-31T10:20-03:30", "2024-01-31T10:20:00.000000-03:30"),
        ("2024-01-31T10:20:30+00:00", "2024-01-31T10:20:30.000000Z"),
        ("31 Jan 2024", "2024-01-31T00:00:00.000000Z"),
        ("31 jan 2024 10:20:30Z", "2024-01-31T10:20:30.000000Z"),
    ],
)
def test_bruins_layouts_are_read(text: str, expected: str) -> None:
    assert timestamp(parse_moment(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "2024/01/31", "2024-1-31", "2024-02-30", "2024-01-31T", " 2024-01-31"),
        *("2024-01-31 24:00:00", "31 Jan 2024 10:20", "1 Jan 2024", "31 Foo 2024", "20240131"),
        *("0000-01-01", "2024-01-31T10:20:30+25:00", "2024-01-31\n", "٢٠٢٤-01-31"),
    ],
)
def test_other_texts_are_refused_with_the_text(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date"):
        parse_moment(text)


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock runs five hours before UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "XXX-5")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_east")
def test_the_default_interval_is_all_of_yesterday_here() -> None:
    found = default_interval(datetime(2024, 2, 29, 20, 30, tzinfo=UTC))
    assert timestamp(found.start) == "2024-02-29T00:00:00.000000Z"
    assert timestamp(found.end) == "2024-02-29T23:59:59.999999Z"
    assert timestamp(found.execution) == "2024-02-29T20:30:00.000000Z"


def test_an_interval_may_be_one_moment_but_not_backwards() -> None:
    same = interval("2024-01-31", "2024-01-31")
    assert checked(same) is same
    with pytest.raises(ValueError, match="after its end"):
        checked(interval("2024-02-01", "2024-01-31"))


@pytest.mark.parametrize(
    ("start", "by", "expected"),
    [
        ("2024-01-31", "1M", "2024-03-02T00:00:00.000000Z"),
        ("2024-03-31", "-1M", "2024-03-02T00:00:00.000000Z"),
        ("2024-01-15", "-13M", "2022-12-15T00:00:00.000000Z"),
        ("2024-01-31", "-2d", "2024-01-29T00:00:00.000000Z"),
        ("2024-01-31", "-1440m", "2024-01-30T00:00:00.000000Z"),
        ("2024-01-31", "+2h", "2024-01-31T02:00:00.000000Z"),
        ("2024-01-31", "-3ns", "2024-01-30T23:59:59.999999Z"),
        ("2024-01-31", "7ms", "2024-01-31T00:00:00.007000Z"),
        ("2024-01-31", "0d", "2024-01-31T00:00:00.000000Z"),
    ],
)
def test_shifts_move_as_in_go(start: str, by: str, expected: str) -> None:
    assert timestamp(shift(parse_moment(start), read_shift(by))) == expected


@pytest.mark.parametrize("text", ["", "0", "-2", "1h30m", "1w", "2H", "5us", " 1d", "1d\n", "d"])
def test_what_is_no_shift_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no interval"):
        read_shift(text)


@pytest.mark.parametrize("by", ["-30000M", "-999999999d", "999999999999h"])
def test_a_shift_out_of_the_calendar_is_an_error(by: str) -> None:
    with pytest.raises(ValueError, match="1 to 9999"):
        shift(DAY, read_shift(by))


def test_modifiers_move_both_ends_and_render_templates() -> None:
    modifiers = IntervalModifiers(
        start=IntervalShift(template="{{ x }}"), end=IntervalShift(minutes=30)
    )
    found = modified(interval("2024-03-01", "2024-03-01 23:00"), modifiers, lambda _: " -2h\n")
    assert timestamp(found.start) == "2024-02-29T22:00:00.000000Z"
    assert timestamp(found.end) == "2024-03-01T23:30:00.000000Z"


def test_a_template_may_say_zero() -> None:
    run = interval("2024-03-01", "2024-03-02")
    modifiers = IntervalModifiers(start=IntervalShift(template="{{ x }}"))
    assert modified(run, modifiers, lambda _: "0") == run


def test_modifiers_that_turn_the_interval_round_are_an_error() -> None:
    modifiers = IntervalModifiers(start=IntervalShift(days=2))
    with pytest.raises(ValueError, match="after its end"):
        modified(interval("2024-03-01", "2024-03-02"), modifiers, no_template)
