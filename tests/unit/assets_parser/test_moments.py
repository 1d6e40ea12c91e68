"""Unquoted dates in free values."""

import pytest

from assets_parser.moments import rfc3339


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2024-01-31", "2024-01-31T00:00:00Z"),
        ("2024-1-5", "2024-01-05T00:00:00Z"),
        ("2024-01-31 1:2:3.450", "2024-01-31T01:02:03.45Z"),
        ("2024-01-31T10:20:30+02:00", "2024-01-31T10:20:30+02:00"),
        ("2024-01-31T10:20:30", None),
        ("2024-02-30", None),
        ("2023-02-29", None),
        ("2024-01-31 25:00:00", None),
        ("24-01-01", None),
    ],
)
def test_a_moment_is_written_as_go_writes_it(text: str, found: str | None) -> None:
    """RFC 3339, or None for text that is no moment."""
    assert rfc3339(text) == found
