"""Bytes of a process as whole lines."""

from workers.lines import MAX_LINE, MAX_PENDING, Lines
from workers.masking import Masker


def lines(*chunks: bytes, secrets: tuple[str, ...] = ()) -> list[str]:
    """What the chunks become."""
    found: list[str] = []
    reader = Lines(found.append, Masker(secrets).mask)
    for chunk in chunks:
        reader.feed(chunk)
    reader.end()
    return found


def test_lines_are_whole_wherever_the_chunks_end() -> None:
    """Also in the middle of a character, and without an end at the end."""
    assert lines(b"on", b"e\ntw\xc3", b"\xbc\n\nlast") == ["one", "tw\u00fc", "", "last"]


def test_carriage_returns_keep_the_last_picture() -> None:
    """Windows ends and progress bars."""
    assert lines(b"a\r\n", b"1%\r2%\r3%\n") == ["a", "3%"]


def test_an_endless_line_is_cut_and_counted() -> None:
    """Memory stays bounded, and the text says how much is missing."""
    (line,) = lines(*[b"x" * MAX_PENDING] * 3, b"\n")
    assert line == "x" * MAX_LINE + f" ... ({3 * MAX_PENDING - MAX_LINE} more characters were cut)"


def test_a_secret_at_the_cut_is_masked_before_it() -> None:
    """No half of it is left."""
    secret = "hunter2-hunter2"
    (line,) = lines(b"x" * (MAX_LINE - 5) + secret.encode() + b"\n", secrets=(secret,))
    assert "hunt" not in line
