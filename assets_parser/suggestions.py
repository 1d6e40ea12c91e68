"""The nearest right word for a wrong one, for every message that says "did you mean ...?"."""

import difflib
from collections.abc import Iterable

_CUTOFF = 0.6  # below it a guess confuses more than it helps


def nearest(word: str, known: Iterable[str], *, most: int = 1) -> list[str]:
    """Up to `most` of the known words that look like `word`, the best first."""
    words = list(dict.fromkeys(known))
    if exact := [other for other in words if other.casefold() == word.casefold()]:
        return exact[:most]
    by_lower = {other.casefold(): other for other in words}
    close = difflib.get_close_matches(word.casefold(), by_lower, n=most, cutoff=_CUTOFF)
    near = [by_lower[lower] for lower in close if _near_without_schema(word.casefold(), lower)]
    return near or _same_end(word, words)[:most]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ "did you mean 'mart.revenue'?", or nothing when no known word is near."""
    found = nearest(word, known)
    return f"did you mean '{found[0]}'?" if found else ""


def _near_without_schema(word: str, other: str) -> bool:
    """A schema that two names share says nothing about how near they are."""
    (schema, _, name), (same, _, known) = word.rpartition("."), other.rpartition(".")
    if not schema or schema != same:
        return True
    return difflib.SequenceMatcher(None, name, known).ratio() >= _CUTOFF


def _same_end(word: str, known: list[str]) -> list[str]:
    """Names whose last part is `word`: people leave out the schema."""
    tail = word.casefold().rpartition(".")[2]
    return [other for other in known if tail and other.casefold().rpartition(".")[2] == tail]
