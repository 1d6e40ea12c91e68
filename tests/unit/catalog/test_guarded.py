"""One broken thing among many: the others are done; what is away for all is told."""

import logging

import pytest
from sqlalchemy.exc import OperationalError

from catalog.guarded import each


def inverse(number: int) -> float:
    """Breaks for 0."""
    return 1 / number


def test_the_others_go_on_and_the_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        assert each([1, 0, 2], inverse) == [(1, 1.0), (2, 0.5)]
    assert "could not heal 0" in caplog.text and "ZeroDivisionError" in caplog.text


def test_what_is_away_for_all_is_raised() -> None:
    def away(_: int) -> None:
        raise OperationalError("select 1", {}, Exception("gone"))

    with pytest.raises(OperationalError):
        each([1, 2], away)
