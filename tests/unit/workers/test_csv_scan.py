"""A CSV is read once, as ingestr reads it."""

from pathlib import Path

from workers import csv_scan
from workers.column_hints import Hint
from workers.csv_scan import Scan


def scan(folder: Path, text: str | bytes, *hints: Hint) -> Scan | None:
    """What is found in a file with this text."""
    path = folder / "x.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return csv_scan.scan(path, hints)


def test_blank_values_and_rows_do_not_count(tmp_path: Path) -> None:
    """ingestr loads them as NULL, or not at all."""
    found = scan(tmp_path, "Id,v\n1,\n , a\n,,\n\n", Hint(name="id", type="int"))
    assert found is not None
    assert (found.rows, found.columns[0].values, found.columns[0].lost) == (2, 1, 0)


def test_a_column_is_found_by_its_loaded_name(tmp_path: Path) -> None:
    """Or by the source that the hint names."""
    hints = (Hint(name="full_id", type="int"), Hint(name="n", type="int", source="Other Name"))
    found = scan(tmp_path, "FullId,Other Name\nx,y\n", *hints)
    assert found is not None
    assert [column.lost for column in found.columns] == [1, 1]


def test_a_declared_column_that_is_not_there_is_no_matter(tmp_path: Path) -> None:
    """The validation tells."""
    found = scan(tmp_path, "a\n1\n", Hint(name="b", type="int"))
    assert found is not None
    assert found.columns == []


def test_long_rows_are_told(tmp_path: Path) -> None:
    """Where a value is beyond the header; a comma at the end is none."""
    found = scan(tmp_path, "a\n1,\n2,x\n3,y\n")
    assert found is not None
    assert (found.long, found.first_long) == (2, 2)


def test_an_encoding_of_its_own_is_left_to_ingestr(tmp_path: Path) -> None:
    """It may read what we cannot."""
    assert scan(tmp_path, b"a\n\xff\n") is None
    assert scan(tmp_path, "") is not None


def test_a_file_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    """ingestr replaces what it cannot read, without a word."""
    path = tmp_path / "x.csv"
    path.write_bytes("id,name\n1,a\n2,Köln\n".encode("latin-1"))
    assert "x.csv is not UTF-8 (first in line 3)" in csv_scan.undecodable(path)[0]
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path.write_bytes("id,name\n2,Köln\n".encode(encoding))
        assert csv_scan.undecodable(path) == ()
