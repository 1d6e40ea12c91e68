"""Durations are Go's: numbers with units, nothing else."""

import pytest

from assets_parser.durations import seconds


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1h30m", 5400.0),
        ("-5m", -300.0),
        ("+1.5s", 1.5),
        (".5h", 1800.0),
        ("1µs", 1e-6),
        ("0", 0.0),
        ("90", None),
        ("1d", None),
        ("", None),
        (".s", None),
        ("1 h", None),
        ("9" * 30 + "h", None),
        ("1h" * 1000, None),
    ],
)
def test_a_duration_is_read_as_go_reads_it(text: str, found: float | None) -> None:
    """Seconds, or None for what is no duration."""
    assert seconds(text) == found
