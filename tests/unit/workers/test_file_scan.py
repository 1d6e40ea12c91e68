"""What is known of JSON and Parquet files before they are loaded."""

import json
from pathlib import Path
from typing import Any

import pytest

from workers.column_hints import Hint
from workers.csv_scan import Scan
from workers.file_scan import records, scan


def look(folder: Path, rows: Any, *hints: Hint, kind: str = "json") -> Scan | None:
    """Scan a file of these rows."""
    file = folder / f"a.{kind}"
    file.write_text(rows if isinstance(rows, str) else json.dumps(rows), "utf-8")
    return scan(file, kind, hints)


def test_columns_are_found_by_the_name_that_the_loader_gives_them(tmp_path: Path) -> None:
    """Or by their source; all rows count for the header."""
    hints = (Hint(name="first_name", type="int"), Hint(name="b", type="int", source="Other"))
    found = look(tmp_path, [{"FirstName": 1}, {"other": 2, "x": None}], *hints)
    assert found is not None
    assert (found.header, found.rows) == (["FirstName", "other", "x"], 2)
    assert [(c.hint.name, c.values, c.doubtful) for c in found.columns] == [
        ("first_name", 1, False),
        ("b", 1, False),
    ]


@pytest.mark.parametrize(
    ("kind", "values", "lost", "doubtful"),
    [
        ("int", [1, None], 0, False),
        ("int", [1.5], 1, False),
        ("int", ["x"], 1, False),
        ("int", [1, "2"], 0, True),
        ("int", [[1]], 0, True),
        ("int", [2**70], 0, True),
        ("int", [True], 0, True),
        ("boolean", [True], 0, False),
        ("date", [1], 0, True),
        ("date", ["2024-01-05"], 0, False),
        ("double", [1, 1.5], 0, False),
    ],
)
def test_values_of_json_are_judged(
    tmp_path: Path, kind: str, values: list[Any], lost: int, doubtful: bool
) -> None:
    """What cannot be told is left to ingestr."""
    found = look(tmp_path, [{"c": value} for value in values], Hint(name="c", type=kind))
    assert found is not None
    (column,) = found.columns
    assert (column.lost, column.doubtful) == (lost, doubtful)
    assert column.values == sum(value is not None for value in values)


@pytest.mark.parametrize("text", ["{", '{"a": 1}', "[1]", "[" * 100_000, "\ufffe\x00"])
def test_what_is_no_list_of_records_is_left_to_ingestr(tmp_path: Path, text: str) -> None:
    """It says what is wrong with the file."""
    assert look(tmp_path, text) is None


def test_lines_of_json_may_be_blank(tmp_path: Path) -> None:
    """And a line may hold signs that Python would end it at."""
    file = tmp_path / "a.jsonl"
    file.write_text('{"a": "x\u2028y"}\n\n{"a": 1}\r\n', "utf-8")
    assert records(file, "jsonl") == [{"a": "x\u2028y"}, {"a": 1}]


@pytest.mark.parametrize("kind", ["parquet", "avro"])
def test_a_broken_file_is_left_to_ingestr(tmp_path: Path, kind: str) -> None:
    """As one of a format that only it reads."""
    assert look(tmp_path, "nothing", kind=kind) is None
