"""A machine for patterns: it reads a text once, in all its states at the same time.

`assets_parser.policies.patterns` builds it. What it finds out on the way it remembers, so that
further texts cost one look-up per character.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from assets_parser.policies.work import Work

_MOST_TEXT = 100_000  # characters
_MOST_KNOWN = 5_000  # remembered steps

Test: TypeAlias = Callable[[str], object]
Anchor: TypeAlias = Callable[["Place"], bool]
States: TypeAlias = frozenset[int]
Place: TypeAlias = tuple[bool, bool, bool]  # at the start, at the end, at the edge of a word


@dataclass(slots=True)
class State:
    """One place of the machine: what lets it go on, and where to."""

    kind: Literal["test", "anchor", "fork"] = "fork"
    test: Test | None = None
    anchor: Anchor | None = None
    next: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Pattern:
    """A machine; `search` runs it."""

    states: tuple[State, ...]
    first: int
    last: int
    _reached: dict[tuple[States, Place], States] = field(default_factory=dict)
    _read: dict[tuple[States, str], States] = field(default_factory=dict)

    def search(self, text: str, work: Work | None = None) -> bool:
        """Whether some part of the text matches; ValueError if the text is too long."""
        if len(text) > _MOST_TEXT:
            raise ValueError(f"a text of more than {_MOST_TEXT} characters is not matched")
        purse = work or Work()
        purse.spend(len(text))
        active: States = frozenset()
        for at in range(len(text) + 1):
            active = self._all(active, (at == 0, at == len(text), _is_edge(text, at)), purse)
            if self.last in active:
                return True
            if at < len(text):
                active = self._after(active, text[at], purse)
        return False

    def _after(self, active: States, character: str, work: Work) -> States:
        """Where reading the character leads."""
        found = self._read.get((active, character))
        if found is not None:
            return found
        work.spend(len(active))
        following: set[int] = set()
        for number in active:
            state = self.states[number]
            if state.test is not None and state.test(character):
                following.update(state.next)
        return _remember(self._read, (active, character), frozenset(following))

    def _all(self, active: States, place: Place, work: Work) -> States:
        """All states that can be reached without reading, the first one among them."""
        found = self._reached.get((active, place))
        if found is not None:
            return found
        seen = {*active, self.first}
        waiting = list(seen)
        while waiting:
            state = self.states[waiting.pop()]
            if state.kind == "test" or (state.anchor and not state.anchor(place)):
                continue
            waiting.extend(number for number in state.next if number not in seen)
            seen.update(state.next)
        work.spend(len(seen))
        return _remember(self._reached, (active, place), frozenset(seen))


def _remember(known: dict[Any, States], key: object, found: States) -> States:
    if len(known) >= _MOST_KNOWN:
        known.clear()
    known[key] = found
    return found


def _is_edge(text: str, at: int) -> bool:
    before = at > 0 and _is_word(text[at - 1])
    return before != (at < len(text) and _is_word(text[at]))


def _is_word(character: str) -> bool:
    return character == "_" or (character.isascii() and character.isalnum())
