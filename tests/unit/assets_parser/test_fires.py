"""When schedules fire."""

from datetime import UTC, datetime

import pytest

from assets_parser import fires

_NOON = datetime(2026, 3, 28, 12, 0, 30, tzinfo=UTC)  # a Saturday; clocks change that night


@pytest.mark.parametrize(
    ("schedule", "before", "after"),
    [
        ("daily", "2026-03-28T00:00", "2026-03-29T00:00"),
        ("hourly", "2026-03-28T12:00", "2026-03-28T13:00"),
        ("@weekly", "2026-03-22T00:00", "2026-03-29T00:00"),
        ("monthly", "2026-03-01T00:00", "2026-04-01T00:00"),
        ("*/15 8-10 * * 1-5", "2026-03-27T10:45", "2026-03-30T08:00"),
        ("10/20 * * * *", "2026-03-28T11:50", "2026-03-28T12:10"),
        ("? 3 1 jan-mar ?", "2026-03-01T03:59", "2027-01-01T03:00"),
        ("0 0 13 * fri", "2026-03-27T00:00", "2026-04-03T00:00"),
        ("0 0 1 * */1", "2026-03-01T00:00", "2026-04-01T00:00"),
        ("0 0 ?/1 * fri", "2026-03-27T00:00", "2026-04-03T00:00"),
        ("0 0 1 * */2", "2026-03-28T00:00", "2026-03-29T00:00"),
        ("@every 90m", "2026-03-28T12:00", "2026-03-28T13:30"),
        ("TZ=Europe/Berlin 30 2 * * *", "2026-03-28T01:30", "2026-03-29T01:00"),
    ],
)
def test_the_moments_around_a_noon(schedule: str, before: str, after: str) -> None:
    """In UTC, whatever zone the schedule has; 02:30 of a night without 02:30 is at 03:00."""
    moments = fires.of(schedule)
    assert moments is not None
    assert f"{moments.before(_NOON):%Y-%m-%dT%H:%M}" == before
    assert f"{moments.after(_NOON):%Y-%m-%dT%H:%M}" == after


def test_a_moment_is_neither_before_nor_after_itself() -> None:
    """Or an interval would be run twice."""
    moments = fires.of("daily")
    assert moments is not None
    midnight = datetime(2026, 3, 28, tzinfo=UTC)
    assert moments.before(midnight) < midnight < moments.after(midnight)
    assert fires.until(moments, midnight) == midnight
    days = list(fires.between(moments, midnight, midnight.replace(day=30)))
    assert [day.day for day in days] == [29, 30]


@pytest.mark.parametrize("schedule", ["@every 1ns", "@every 20ms", "@every 1.9s"])
def test_a_distance_is_a_whole_number_of_seconds(schedule: str) -> None:
    """At least one, or the moments between two others would be without end."""
    moments = fires.of(schedule)
    assert moments is not None
    assert moments.after(_NOON) == _NOON.replace(second=31)
    assert moments.before(_NOON) == _NOON.replace(second=29)


def test_what_never_fires_says_so() -> None:
    """A 30th of February is an error, no schedule is none."""
    assert fires.of("") is None
    assert fires.of("continuous") is None
    moments = fires.of("0 0 30 2 *")
    assert moments is not None
    with pytest.raises(ValueError, match="never fires"):
        moments.after(_NOON)
