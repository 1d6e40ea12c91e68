"""Hides secrets in lines of a log. Used by workers.main_step and by whoever writes a log.

The texts and the forms they may take (JSON, percent, base64) come from workers.secret_values.
"""

import re
from collections.abc import Callable, Iterable

STARS = "********"
_BEGIN = 6  # characters of a secret at a line's end that may be its beginning; fewer are too common
_AROUND = "\"'()[],;+\\ \t"  # what printers put around the pieces of a text that they wrap
_FOLD = re.compile(r"\s*\n\s*")


class Masker:
    """Replaces every known secret in a text by stars. Texts are added as they become known."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._begins: re.Pattern[str] | None = None
        self._whole: dict[str, list[str]] = {}  # by their first characters, without line ends
        self._longest = 0
        self.add(texts)

    def add(self, texts: Iterable[str]) -> None:
        """Hide these too from now on; the longest match wins, so that no tail of one is left."""
        new = {text for text in texts if text.strip()} - self._texts
        if not new:
            return
        self._texts |= new
        self._pattern = _any_of(self._texts)
        for text in sorted(new):
            flat = _FOLD.sub("", text)
            if len(flat) > _BEGIN:
                self._whole.setdefault(flat[:_BEGIN], []).append(flat)
                self._longest = max(self._longest, len(flat))
        self._begins = _any_of(self._whole)

    def mask(self, text: str) -> str:
        """The text with stars in place of secrets."""
        return self._pattern.sub(STARS, text) if self._pattern else text

    def lines(self) -> Callable[[str], str]:
        """A mask for the lines of one log, which also sees secrets that go on in the next line."""
        rests: list[str] = []  # what is left of the secrets that the line before may have begun

        def masked(text: str) -> str:
            found = [self._line(line, rests) for line in self.mask(text).split("\n")]
            return "\n".join(found)

        return masked

    def _line(self, line: str, rests: list[str]) -> str:
        if self._pattern is None:
            return line
        piece = line.strip(_AROUND)
        if going := [rest for rest in rests if piece and _goes_on(rest, piece)]:
            rests[:] = [rest[len(piece) :] for rest in going if len(rest) > len(piece)]
            length = max(min(len(rest), len(piece)) for rest in going)
            masked = line.replace(piece[:length], STARS, 1)
            return masked if rests else self._begun(self.mask(masked), rests)
        return self._begun(self.mask(line), rests)

    def _begun(self, line: str, rests: list[str]) -> str:
        """Hide what may be the beginning of a secret at the line's end, and note the rest of it."""
        rests.clear()
        end = line.rstrip(_AROUND)
        start = max(0, len(end) - self._longest)
        for match in self._begins.finditer(end, start) if self._begins else ():
            tail = end[match.start() :]
            rests += [t[len(tail) :] for t in self._whole[match[0]] if t.startswith(tail)]
            if rests:
                return end[: match.start()] + STARS + line[len(end) :]
        return line


def _goes_on(rest: str, piece: str) -> bool:
    """Whether the piece is more of the secret, or all that was left of it and something else."""
    return rest.startswith(piece) or piece.startswith(rest)


def _any_of(texts: Iterable[str]) -> "re.Pattern[str] | None":
    ordered = sorted(texts, key=lambda text: (-len(text), text))
    return re.compile("|".join(map(re.escape, ordered))) if ordered else None
