"""Errors that a person can do something about; dispatcher.cli prints them."""

import difflib
from collections.abc import Iterable


class FleetError(Exception):
    """Something the user must change; `hint` says what to do, `code` is the exit code."""

    code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.hint = hint
        super().__init__(message)


class Refused(FleetError):
    """The faults were printed already; nothing was run."""


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean X?` for the known word that is most like this one, or empty text."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else ""
