"""Header blocks: what opens and closes them, and what only looks like one."""

from pathlib import Path

import pytest

from assets_parser.header import find, look_alike
from tests.support.written import block, load_one


def test_the_body_starts_where_its_first_line_is() -> None:
    """Error messages of a body need the line of the file."""
    found = find('\n"""@bruin\nname: a\n@bruin"""\n\n\nx = 1\n')
    assert found is not None
    assert (found.body, found.body_line, found.line) == ("x = 1", 7, 2)
    assert found.yaml.split("\n")[2] == "name: a"


@pytest.mark.parametrize(
    ("start", "line"),
    [
        ('#!/usr/bin/env python\n"""@bruin\nname: a\n@bruin"""\n', 2),
        ('"""\n@bruin\nname: a\n@bruin"""\n', 2),
        ("'''@bruin\nname: a\n@bruin'''\n", 1),
        ('r"""@bruin\nname: a\n@bruin"""\n', 1),
        ('"""@bruin name: a\n@bruin"""\n', 1),
        ('\ufeff"""@bruin\nname: a\n@bruin"""\n', 1),
        ('"""@BRUIN\nname: a\n@BRUIN"""\n', 1),
        ("    # @bruin.name: a\n", 1),
    ],
)
def test_a_file_that_only_looks_like_an_asset_is_warned_about(
    tmp_path: Path, start: str, line: int
) -> None:
    """Bruin ignores it in silence; so do we, but with a word."""
    loaded = load_one(tmp_path, "a.py", start + "x = 1\n")
    (fault,) = loaded.faults
    assert (fault.rule, fault.line) == ("not-an-asset", line)
    assert loaded.pipeline.assets == ()
    assert not loaded.errors


def test_a_helper_module_is_skipped_without_a_word(tmp_path: Path) -> None:
    """Modules inside assets/ are normal."""
    text = 'text = """@bruin\nname: a\n"""\nmail = "x@bruin.example"\n'
    assert look_alike(text) == 0
    assert load_one(tmp_path, "helpers.py", text).faults == ()


def test_an_unclosed_header_loads_with_a_warning(tmp_path: Path) -> None:
    """As in Bruin, where everything after it belongs to the header."""
    loaded = load_one(tmp_path, "a.py", '"""@bruin\nname: a\n')
    assert [fault.rule for fault in loaded.faults] == ["header"]
    assert loaded.pipeline.assets[0].name == "a"


def test_bytes_that_are_not_utf_8_are_an_error_only_in_the_header(tmp_path: Path) -> None:
    """A latin-1 comment in a body is the interpreter's business."""
    loaded = load_one(tmp_path, "a.py", block("name: a"))
    path = tmp_path / "assets" / "a.py"
    path.write_bytes(block("name: a").encode() + b"# caf\xe9\n")
    from assets_parser.pipeline import load

    loaded = load(tmp_path)
    assert loaded.pipeline.assets[0].body.endswith("# caf\ufffd")
    path.write_bytes(b'"""@bruin\nname: a\nowner: caf\xe9\n@bruin"""\n')
    (fault,) = load(tmp_path).faults
    assert (fault.line, fault.message) == (3, "the text is not UTF-8")


def test_a_suffix_in_upper_case_is_warned_about(tmp_path: Path) -> None:
    """`.R` and `.PY` define nothing in Bruin."""
    (fault,) = load_one(tmp_path, "fit.R", block("name: fit")).faults
    assert (fault.rule, fault.hint) == ("not-an-asset", "rename it to fit.r")
