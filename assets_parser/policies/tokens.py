"""The words of an expression of a policy, as expr-lang writes them. The grammar reads them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_MOST_TEXT = 4_000  # characters of an expression
_WORDS = re.compile(
    r"""(?P<blank>\s+|//[^\n]*|\#\#[^\n]*)
    |(?P<number>0[xX][0-9a-fA-F_]{1,16}|\d[\d_]{0,30}(\.\d[\d_]{0,30})?([eE][+-]?\d{1,3})?)
    |(?P<text>"(\\.|[^"\\\n])*"|'(\\.|[^'\\\n])*'|`[^`]*`)
    |(?P<name>[A-Za-z_$][A-Za-z0-9_$]*)
    |(?P<sign>\?\.|\?\?|\*\*|\|\||&&|==|!=|<=|>=|\.\.|\#|[-+*/%^!<>()\[\]{}.,:?|;=])""",
    re.VERBOSE | re.ASCII,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "/": "/"}
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)

Kind = Literal["number", "text", "name", "sign", "end"]


class ExpressionError(ValueError):
    """An expression cannot be read or evaluated; the text says why."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word: its kind, its text (of a string: what it stands for), and where it begins."""

    kind: Kind
    text: str
    at: int

    def is_word(self, *texts: str) -> bool:
        """Whether it is one of these signs or names."""
        return self.kind in ("sign", "name") and self.text in texts


def tokens(text: str) -> list[Token]:
    """All words and an end; ExpressionError names the character that is none."""
    if len(text) > _MOST_TEXT:
        raise ExpressionError(f"it is longer than {_MOST_TEXT} characters")
    return [*_tokens(text), Token("end", "", len(text))]


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        found = _WORDS.match(text, at)
        if found is None:
            raise ExpressionError(f"{text[at : at + 10]!r} cannot be read")
        kind, word = found.lastgroup, found.group()
        if kind == "text":
            yield Token("text", _unquoted(word), at)
        elif kind in ("number", "name", "sign"):
            yield Token(kind, word, at)  # type: ignore[arg-type]  # the names of the groups
        at = found.end()


def _unquoted(word: str) -> str:
    inner = word[1:-1]
    return inner if word[0] == "`" else _ESCAPED.sub(_unescaped, inner)


def _unescaped(found: "re.Match[str]") -> str:
    if code := found[1] or found[2]:
        return chr(int(code, 16))
    if found[3] not in _ESCAPES:
        raise ExpressionError(f"the escape '{found[0]}' cannot be read")
    return _ESCAPES[found[3]]
