"""Arbitrary files never make the parser raise anything but DefinitionError."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets_parser.definition import ASSET, parse_file
from assets_parser.faults import DefinitionError
from tests.support.written import write

_MARKS = (
    *(
        "&a",
        "*a",
        "<<",
        "- ",
        ": ",
        "[",
        "]",
        "{",
        "}",
        "\n",
        "\n  ",
        "\n    - ",
        "|",
        ">",
        "'",
        '"',
    ),
    *("!!int ", "!!binary ", "~", "1e999", "0x", "2024-01-01", "%", "\t", "@bruin", '"""', "# "),
    *("---", "...", "\\", "\x00", "\ud800", "{{ x }}", "9" * 400),
)
_WORDS = st.sampled_from([*ASSET, *_MARKS])
_HEADERS = st.lists(_WORDS | st.text(max_size=5), max_size=40).map("".join)


@pytest.mark.parametrize("suffix", ["py", "sql", "asset.yml"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=_HEADERS, bare=st.booleans())
def test_no_text_raises_anything_but_a_definition_error(suffix: str, text: str, bare: bool) -> None:
    """Definitions come from strangers."""
    content = text if bare or suffix == "asset.yml" else f'"""@bruin\n{text}\n@bruin"""\nx = 1\n'
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a.{suffix}"
        path.write_bytes(content.encode(errors="surrogatepass"))
        try:
            parse_file(path, Path(folder))
        except DefinitionError as error:
            assert error.faults


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["depends", "columns.a.checks", "timeout", "enabled", "retries", "x"]),
            st.text(max_size=12),
        ),
        max_size=8,
    )
)
def test_no_single_line_header_raises_anything_but_a_definition_error(
    rows: list[tuple[str, str]],
) -> None:
    """The old style takes free text too."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.py"
        lines = [f"# @bruin.{key}: {value}" for key, value in rows]
        path.write_bytes("\n".join(lines).encode(errors="surrogatepass"))
        try:
            parse_file(path, Path(folder))
        except DefinitionError as error:
            assert error.faults


def test_a_body_file_outside_of_the_project_is_refused(tmp_path: Path) -> None:
    """A definition must not read what it does not own, and a worker elsewhere would not have it."""
    root = write(tmp_path / "project", {"a.asset.yml": "name: a\nrun: ../secret.py\n"})
    write(tmp_path, {"secret.py": "x = 1\n"})
    with pytest.raises(DefinitionError, match="outside of the project"):
        parse_file(root / "a.asset.yml", root)


def test_a_missing_file_is_a_fault_and_no_traceback(tmp_path: Path) -> None:
    """It may be deleted while we look."""
    with pytest.raises(DefinitionError, match=r"cannot read a\.py"):
        parse_file(tmp_path / "a.py", tmp_path)
