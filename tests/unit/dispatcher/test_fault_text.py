"""dispatcher.fault_text: faults with their line, their word underlined, and a hint."""

import io

import pytest

from assets_parser.faults import Fault, Severity
from dispatcher import fault_text
from dispatcher.terminal import Terminal

PLAIN = Terminal(out=io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), environ={})
FAULT = Fault(
    rule="dependency",
    message="'staging.payment' is not an asset of this pipeline",
    file="assets/mart/revenue.py",
    line=2,
    column=5,
    hint="did you mean 'staging.payments'?",
)


def test_the_word_is_underlined_in_its_line() -> None:
    lines = fault_text.render(PLAIN, FAULT, ["depends:", "  - staging.payment"])
    assert lines == [
        "assets/mart/revenue.py:2:5 error dependency  "
        "'staging.payment' is not an asset of this pipeline",
        "    2 |   - staging.payment",
        "      |     ^^^^^^^^^^^^^^^  did you mean 'staging.payments'?",
    ]


def test_a_narrow_terminal_shows_the_part_of_the_line_that_is_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing wraps, so that the marks stay below their word."""
    monkeypatch.setenv("COLUMNS", "50")
    terminal = Terminal(out=PLAIN.out, environ={}, color=False)
    terminal.tty = True
    source = f"SELECT {', '.join(f'column_{n}' for n in range(9))} FROM staging.payment AS p"
    head, line, mark, hint = fault_text.render(terminal, FAULT, ["", source])
    assert max(len(line), len(mark), len(hint)) < 50
    at = line.index("staging.payment")
    assert mark == f"      | {' ' * (at - 8)}{'^' * 15}"
    assert hint == "      | did you mean 'staging.payments'?"
    assert line.startswith("    2 | …")
    assert "dependency" in head


def test_a_fault_without_a_place_keeps_its_hint() -> None:
    fault = Fault(rule="selection", message="no asset 'x'", hint="assets: a, b")
    lines = fault_text.render(PLAIN, fault, [])
    assert lines == ["pipeline error selection  no asset 'x'", "      assets: a, b"]


def test_a_line_that_the_file_does_not_have_is_not_quoted() -> None:
    assert len(fault_text.render(PLAIN, FAULT, ["only one line"])) == 2


def test_errors_and_warnings_are_counted_apart() -> None:
    warning = Fault(rule="r", message="m", severity=Severity.WARNING)
    assert fault_text.count([FAULT, warning, warning], 14) == "1 error, 2 warnings in 14 assets"
    assert fault_text.count([], 1) == "no faults in 1 asset"


def test_github_shows_it_beside_the_code() -> None:
    text = fault_text.annotation(FAULT)
    assert text.startswith("::error file=assets/mart/revenue.py,line=2::dependency: 'staging")
