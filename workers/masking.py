"""Hides secrets in lines of a log. Used by workers.main_step and by whoever writes a log.

The texts and the forms they may take (JSON, percent, base64) come from workers.secret_values.
"""

import re
from collections.abc import Iterable

STARS = "********"


class Masker:
    """Replaces every known secret in a text by stars. Texts are added as they become known."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.add(texts)

    def add(self, texts: Iterable[str]) -> None:
        """Hide these too from now on; the longest match wins, so that no tail of one is left."""
        self._texts.update(text for text in texts if text.strip())
        ordered = sorted(self._texts, key=lambda text: (-len(text), text))
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def mask(self, text: str) -> str:
        """The text with stars in place of secrets."""
        return self._pattern.sub(STARS, text) if self._pattern else text
