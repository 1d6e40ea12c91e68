"""dispatcher.words: numbers, times and sizes as people read them."""

import pytest

from dispatcher import words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0s"),
        (0.84, "0.8s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (59.6, "1m 00s"),
        (134, "2m 14s"),
        (3_900, "1h 05m"),
        (187_200, "2d 4h"),
        (-1, "0.0s"),
    ],
)
def test_durations_are_short_and_never_negative(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (1_288_490_188, "1.2 GiB"),
        (2**50, "1024.0 TiB"),
    ],
)
def test_sizes_are_binary(count: int, text: str) -> None:
    assert words.size(count) == text


def test_counts_are_grouped_and_their_nouns_agree() -> None:
    assert words.some(20_000, "row") == "20,000 rows"
    assert words.some(1, "retry", "retries") == "1 retry"
    assert words.some(2, "retry", "retries") == "2 retries"


def test_long_names_are_cut_in_the_middle() -> None:
    assert words.shorten("staging.payments", 9) == "stag…ents"
    assert words.shorten("short", 9) == "short"


def test_how_long_ago_has_no_fractions() -> None:
    assert [words.ago(s) for s in (0.4, 3.9, 41, 130)] == ["now", "3s ago", "41s ago", "2m 10s ago"]
