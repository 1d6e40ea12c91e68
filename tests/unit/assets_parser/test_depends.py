"""What `depends` takes, item by item."""

from pathlib import Path

import pytest

from assets_parser.faults import DefinitionError
from tests.support.written import read


@pytest.mark.parametrize(
    "item",
    [
        "{asset: a, uri: }",
        "{asset: 2024-01-01}",
        "{asset: a, columns: }",
        "{asset: a, columns: [2024-01-01]}",
        "{asset: a, columns: [{name: x, usage: }]}",
        "{asset: a, mode: 2024-01-01}",
    ],
)
def test_what_is_no_text_is_an_error(tmp_path: Path, item: str) -> None:
    """Also a key without a value, and a date without quotes."""
    with pytest.raises(DefinitionError):
        read(tmp_path, f"depends: [{item}]")


def test_an_item_that_is_only_a_name_is_text_whatever_it_looks_like(tmp_path: Path) -> None:
    """As any field that is a text."""
    edges = read(tmp_path, "depends: [2024-01-01, 5, yes]").depends
    assert [edge.value for edge in edges] == ["2024-01-01", "5", "yes"]
