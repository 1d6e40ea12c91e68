"""The header block of a .py, .sql or .r file: where it starts, its YAML and the body after it.

`definition` calls this. A file without a block may still look like one: `look_alike` says so.
"""

import re
from dataclasses import dataclass

# what Go's TrimSpace trims: not U+001C to U+001F, which str.strip takes as well
SPACE = "\t\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
TRIM = "\n\t\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    chr(code) for code in range(0x2000, 0x200B)
)

_OPENER = re.compile(
    rf'(?:[{SPACE}]*\n)*[{SPACE}]*(?:"""|"|\'|/\*) {{0,3}}@bruin[{SPACE}]*(?:\n|\Z)'
)
_CLOSER = re.compile(rf'^[{SPACE}]*@bruin {{0,3}}(?:"""|"|\'|\*/)[{SPACE}]*$', re.MULTILINE)
_LIKE = re.compile(
    r"^[^\w\n]{0,40}(?:[rRbBfFuU]{1,2})?(?:\"{1,3}|'{1,3}|/\*+|#+|--+|//+)?[ \t]*@bruin\b"
    r"(?![ \t]*(?:\"|'|\*/))",
    re.MULTILINE | re.IGNORECASE,
)
_LOOKED_AT = 4096  # characters; a header further down is not meant as one


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A header and its body; line N of `yaml` is line N of the file."""

    yaml: str
    body: str
    body_line: int
    line: int  # of the opener
    closed: bool
    blank: bool


def find(content: str) -> Block | None:
    """The block that the file starts with, or None."""
    opener = _OPENER.match(content)
    if opener is None:
        return None
    start = opener.end()
    closer = _CLOSER.search(content, start)
    end, after = (closer.start(), closer.end()) if closer else (len(content), len(content))
    before, header = opener[0], content[start:end]
    body, body_line = stripped(content, after)
    opened = before.rstrip(TRIM).count("\n") + 1
    return Block(
        yaml=_lead(before, opened) + _plain_line_ends(header).rstrip("\n"),
        body=body,
        body_line=body_line,
        line=opened,
        closed=closer is not None,
        blank=not header.strip(TRIM),
    )


def stripped(content: str, start: int) -> tuple[str, int]:
    """The text from `start` on without the blanks around it, and the line where it begins."""
    rest = content[start:]
    tail = rest.lstrip(TRIM)
    line = content.count("\n", 0, len(content) - len(tail)) + 1
    return _plain_line_ends(tail).rstrip(TRIM), line


def look_alike(content: str) -> int:
    """The line that looks like a header's start in a file that has none, else 0."""
    if "@bruin" not in (head := content[:_LOOKED_AT]) and "@BRUIN" not in head:
        return 0
    match = _LIKE.search(head)
    return head.count("\n", 0, match.start()) + 1 if match else 0


def _lead(before: str, opened: int) -> str:
    """The lines up to the opener as the YAML reader sees them: blanks vanish, others stay."""
    lines = before.split("\n")[: opened - 1]
    return "\n".join(line.strip(" \r") for line in lines) + "\n" * (2 if lines else 1)


def _plain_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n") if "\r" in text else text
