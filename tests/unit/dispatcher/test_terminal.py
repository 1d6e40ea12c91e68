"""dispatcher.terminal and dispatcher.tables: what reaches a screen, a pipe, an old locale."""

import io

import pytest

from dispatcher import tables
from dispatcher.terminal import Terminal, printable


def stream(encoding: str = "utf-8") -> io.TextIOWrapper:
    """A file-like stream of some encoding, which is no terminal."""
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding)


def written(terminal: Terminal) -> str:
    """What went to stdout."""
    terminal.out.flush()
    return terminal.out.buffer.getvalue().decode(terminal.out.encoding)  # type: ignore[attr-defined]


def test_a_pipe_gets_no_colour() -> None:
    assert Terminal(out=stream(), environ={}).style("failed", "red") == "failed"


def test_no_color_wins_over_force_color() -> None:
    terminal = Terminal(out=stream(), environ={"NO_COLOR": "1", "FORCE_COLOR": "1"})
    assert terminal.style("failed", "red") == "failed"


def test_signs_are_ascii_where_the_locale_has_no_unicode() -> None:
    terminal = Terminal(out=stream("latin-1"), environ={})
    terminal.line(f"{terminal.sign('succeeded')} 2 assets · mart…revenue ☃")
    assert written(terminal) == "+ 2 assets - mart~revenue ?\n"


def test_control_characters_of_assets_cannot_move_the_cursor() -> None:
    assert printable("\x1b[31mred\x1b[0m\x1b[2Jgone\rback\tin\x07") == "red [2Jgone back\tin "


def test_columns_are_aligned_although_cells_hold_colour() -> None:
    terminal = Terminal(out=stream(), environ={"FORCE_COLOR": "1"})
    rows = [[terminal.style("a", "red"), "1"], ["long name", "20"]]
    lines = tables.render(["name", "n"], rows, right="n")
    assert lines[0] == "name        n"
    assert lines[1] == f"{terminal.style('a', 'red')}           1"
    assert lines[2] == "long name  20"


def test_a_table_ends_its_lines_without_blanks() -> None:
    assert tables.columns([["a", ""], ["bb", "c"]]) == ["a", "bb  c"]


def test_a_long_line_wraps_between_words_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal(out=stream(), environ={})
    text, hint = "a driver at /a/path/that-is-longer-than-a-line.so and more", "tell it"
    assert terminal.wrap(text, hint, indent=12) == [f"{text}    {hint}"]
    terminal.tty = True
    assert terminal.wrap("short", "tell it", indent=12) == ["short    tell it"]
    assert terminal.wrap(text, hint, indent=12) == [
        "a driver at",
        "/a/path/that-is-longer-than-a-line.so",
        "and more",
        "tell it",
    ]
