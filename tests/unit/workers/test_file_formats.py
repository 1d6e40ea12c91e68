"""A file's format, and what a message may show of its address."""

import pytest

from workers import downloads, file_formats
from workers.errors import StepFailed


@pytest.mark.parametrize(
    ("path", "declared", "wanted"),
    [
        ("a.csv", "", "csv"),
        ("a.b/data.PARQUET", "", "parquet"),
        ("data.pq", "", "parquet"),
        ("data.ndjson", "", "jsonl"),
        ("data.avro", "", "avro"),
        ("data", "", "csv"),
        ("data.txt", " .JSONL", "jsonl"),
        ("https://h.example.com/x.json?y=.csv", "", "json"),
        ("https://h.example.com/export?file=x.json", "", "csv"),
    ],
)
def test_the_extension_tells_unless_it_is_declared(path: str, declared: str, wanted: str) -> None:
    """Anything else is a CSV, as for Bruin."""
    assert file_formats.of(path, declared) == wanted


def test_an_unknown_format_is_refused() -> None:
    """With those that are known."""
    with pytest.raises(StepFailed, match="'xlsx' is not known; known: csv"):
        file_formats.of("a.xlsx", "xlsx")


def test_an_address_is_shown_without_its_secrets() -> None:
    """Login and query can hold tokens."""
    url = "https://user:secret@h.example.com:8443/a/b.csv?token=secret#part"
    assert downloads.shown(url) == "https://h.example.com:8443/a/b.csv"
    assert file_formats.of("http://[broken/a.json") == "json"
    assert downloads.shown("http://[broken/a.csv") == "the address"
