"""Regular expressions that always end: RE2's syntax without what makes Python's `re` backtrack.

A pattern becomes a machine (`assets_parser.policies.machine`). Selectors of policies and the
operator `matches` use it.
"""

import re
from functools import lru_cache
from typing import TypeAlias

from assets_parser.policies.machine import Anchor, Pattern, State

_MOST_PATTERN = 1_000  # characters
_MOST_STATES = 2_000
_MOST_DEPTH = 50
_ANCHORS: dict[str, Anchor] = {
    "^": lambda place: place[0],
    "$": lambda place: place[1],
    r"\A": lambda place: place[0],
    r"\z": lambda place: place[1],
    r"\b": lambda place: place[2],
    r"\B": lambda place: not place[2],
}
_CLASSES = frozenset("dDwWsS")
_CONTROLS = frozenset("nrtfv")


class PatternError(ValueError):
    """The pattern cannot be read; the text says why."""


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Pattern:
    """The machine of a pattern; PatternError says what cannot be read."""
    if len(pattern) > _MOST_PATTERN:
        raise PatternError(f"longer than {_MOST_PATTERN} characters")
    return _Compiler(pattern).pattern()


_Part: TypeAlias = tuple[int, int]  # first and last state


class _Compiler:
    """Reads one pattern, left to right."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._depth = text, 0, 0
        self._flags = re.ASCII
        self._states: list[State] = []

    def pattern(self) -> Pattern:
        """The whole pattern as a machine."""
        self._global_flags()
        first, last = self._choice()
        if self._at < len(self._text):
            raise PatternError("a ')' without its '('")
        return Pattern(tuple(self._states), first, last)

    def _global_flags(self) -> None:
        if found := re.match(r"\(\?([is]+)\)", self._text):
            self._at = found.end()
            self._flags |= re.IGNORECASE if "i" in found[1] else 0
            self._flags |= re.DOTALL if "s" in found[1] else 0

    def _choice(self) -> _Part:
        branches = [self._sequence()]
        while self._take("|"):
            branches.append(self._sequence())
        if len(branches) == 1:
            return branches[0]
        last = self._state()
        for branch in branches:
            self._states[branch[1]].next.append(last)
        return self._state(*(branch[0] for branch in branches)), last

    def _sequence(self) -> _Part:
        first = last = self._state()
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            start = self._at
            part = self._atom()
            part = self._repeated(part, start)
            self._states[last].next.append(part[0])
            last = part[1]
        return first, last

    def _repeated(self, part: _Part, start: int) -> _Part:
        """The part as often as the sign behind it says."""
        sign = self._text[self._at : self._at + 1]
        if sign in ("*", "+", "?") and sign:
            self._at += 1
            self._take("?")  # lazy or not: it matches the same texts
            return self._loop(part, least=int(sign == "+"), many=sign != "?")
        counts = re.compile(r"\{(\d{1,3})(,(\d{0,3}))?\}").match(self._text, self._at)
        if counts is None:
            return part
        source = (start, self._at)
        self._at = counts.end()
        self._take("?")
        most = int(counts[1]) if counts[2] is None else int(counts[3]) if counts[3] else None
        return self._counted(source, int(counts[1]), most)

    def _loop(self, part: _Part, *, least: int, many: bool) -> _Part:
        first, last = part
        end = self._state()
        if many:
            self._states[last].next.append(first)
        self._states[last].next.append(end)
        return (first if least else self._state(first, end)), end

    def _counted(self, source: tuple[int, int], least: int, most: int | None) -> _Part:
        """Copies of the part: those that must be there, and those that may."""
        if most is not None and most < least:
            raise PatternError(f"{{{least},{most}}} counts down")
        first = last = self._state()
        for _ in range(least):
            last = self._joined(last, self._again(source))
        if most is None:
            last = self._joined(last, self._loop(self._again(source), least=0, many=True))
        for _ in range((most or least) - least):
            last = self._joined(last, self._loop(self._again(source), least=0, many=False))
        return first, last

    def _joined(self, last: int, part: _Part) -> int:
        self._states[last].next.append(part[0])
        return part[1]

    def _again(self, source: tuple[int, int]) -> _Part:
        """Another copy of what stands in this place of the pattern."""
        back, self._at = self._at, source[0]
        part = self._atom()
        self._at = back
        return part

    def _atom(self) -> _Part:
        character = self._text[self._at]
        if character == "(":
            return self._group()
        if character in "*+?":
            raise PatternError(f"'{character}' has nothing to repeat")
        self._at += 1
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escape()
        if character in "^$":
            return self._anchored(_ANCHORS[character])
        return self._tested("." if character == "." else re.escape(character))

    def _group(self) -> _Part:
        self._at += 1
        if found := re.compile(r"\?(:|P?<[A-Za-z_]\w*>)").match(self._text, self._at):
            self._at = found.end()
        elif self._take("?"):
            raise PatternError("'(?' begins something that RE2 or fleet cannot read")
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise PatternError("groups are nested too deep")
        part = self._choice()
        self._depth -= 1
        if not self._take(")"):
            raise PatternError("a '(' without its ')'")
        return part

    def _class(self) -> _Part:
        """`[...]`: the library reads it; a single character cannot make it backtrack."""
        at = self._at
        at += self._text.startswith("^", at)
        at += self._text.startswith("]", at)
        while at < len(self._text) and self._text[at] != "]":
            if self._text.startswith("[:", at):
                raise PatternError("classes such as [:alpha:] cannot be read")
            at += 2 if self._text[at] == "\\" else 1
        if at >= len(self._text):
            raise PatternError("a '[' without its ']'")
        inner, self._at = self._text[self._at : at], at + 1
        return self._tested("[" + inner.replace("[", r"\[") + "]")

    def _escape(self) -> _Part:
        character = self._text[self._at : self._at + 1]
        self._at += 1
        if anchor := _ANCHORS.get("\\" + character):
            return self._anchored(anchor)
        if character in _CLASSES | _CONTROLS and character:
            return self._tested("\\" + character)
        if not character or (character.isascii() and character.isalnum()):
            raise PatternError(f"'\\{character}' cannot be read")
        return self._tested(re.escape(character))

    def _tested(self, one: str) -> _Part:
        try:
            test = re.compile(one, self._flags).fullmatch
        except (re.error, OverflowError) as error:
            raise PatternError(f"'{one}': {error}") from None
        end = self._state()
        first = self._state(end)
        self._states[first].kind, self._states[first].test = "test", test
        return first, end

    def _anchored(self, anchor: Anchor) -> _Part:
        end = self._state()
        first = self._state(end)
        self._states[first].kind, self._states[first].anchor = "anchor", anchor
        return first, end

    def _state(self, *following: int) -> int:
        if len(self._states) >= _MOST_STATES:
            raise PatternError("it is too large")
        self._states.append(State(next=list(following)))
        return len(self._states) - 1

    def _take(self, sign: str) -> bool:
        found = self._text.startswith(sign, self._at)
        self._at += len(sign) if found else 0
        return found
