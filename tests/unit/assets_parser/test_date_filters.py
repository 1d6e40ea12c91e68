"""Date filters, beside the recorded templates."""

import pytest

from assets_parser.date_filters import FILTERS

MOMENT = "2024-02-01T15:04:05.123456Z"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("%Y-%m-%d %H:%M:%S.%f", "2024-02-01 15:04:05.123456"),
        ("%y %a %A %b %B", "24 Thu Thursday Feb February"),
        ("%I %p %j", "03 PM 032"),
        ("%q %% 100%", "%q %% 100%"),
        ("2006 Jan MST", "2006 Jan MST"),
        ("", ""),
    ],
)
def test_a_format_is_pythons(form: str, expected: str) -> None:
    assert FILTERS["date_format"](MOMENT, form) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("truncate_year", "2024-01-01T00:00:00.000000Z"),
        ("truncate_month", "2024-02-01T00:00:00.000000Z"),
        ("truncate_day", "2024-02-01T00:00:00.000000Z"),
        ("truncate_hour", "2024-02-01T15:00:00.000000Z"),
    ],
)
def test_truncating_keeps_the_format(name: str, expected: str) -> None:
    assert FILTERS[name](MOMENT) == expected


def test_truncating_takes_an_argument_that_it_does_not_need() -> None:
    """As in Bruin."""
    assert FILTERS["truncate_month"]("2024-03-31", "month") == "2024-03-01"


def test_truncating_the_last_of_a_month_finds_a_valid_day() -> None:
    assert FILTERS["truncate_year"]("2024-03-31") == "2024-01-01"


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [
        ("add_seconds", 30, "2024-01-31 00:00:30"),
        ("add_milliseconds", 1500, "2024-01-31 00:00:01"),
        ("add_minutes", "-1", "2024-01-30 23:59:00"),
        ("date_add", "+1", "2024-02-01 00:00:00"),
        ("add_years", 1, "2025-01-31 00:00:00"),
    ],
)
def test_adding_keeps_the_format(name: str, number: object, expected: str) -> None:
    assert FILTERS[name]("2024-01-31 00:00:00", number) == expected


@pytest.mark.parametrize("number", [1.0, True, None, "1.5", " 1", "9" * 30])
def test_only_whole_numbers_can_be_added(number: object) -> None:
    with pytest.raises(ValueError, match="no whole number"):
        FILTERS["add_days"]("2024-01-31", number)
