"""Declared columns as ingestr is told about them."""

import pytest

from assets_parser.model import Column
from workers import column_hints
from workers.column_hints import Hint


@pytest.mark.parametrize(
    ("declared", "hint"),
    [
        ("varchar", "text"),
        ("VARCHAR(20)", "varchar(20)"),
        ("uuid", "text"),
        ("INTEGER", "int"),
        ("bigint unsigned", "bigint"),
        ("byteint", "bigint"),
        ("byte", "tinyint"),
        ("year", "int"),
        ("real", "double"),
        ("double precision", "double"),
        ("decimal", "decimal(38,9)"),
        ("numeric(10, 2)", "decimal(10,2)"),
        ("numeric(50)", "decimal(38,0)"),
        ("timestamp", "timestamp"),
        ("timestamp without time zone", "timestamp_ntz"),
        ("datetime2", "timestamp_ntz"),
        ("timestamp(3) with time zone", "timestamp"),
        ("jsonb", "json"),
        ("array<int>", "json"),
        ("struct<a int>", "json"),
        ("bytea", "binary"),
        ("geography", ""),
        ("", ""),
    ],
)
def test_types(declared: str, hint: str) -> None:
    """Bruin's table; a type that it lacks gives no hint."""
    assert column_hints.type_of(Column(name="c", type=declared)) == hint


def test_precision_of_the_column_counts_if_its_type_names_none() -> None:
    """The size in the type wins."""
    column = Column(name="c", type="decimal", precision=12, scale=3)
    assert column_hints.type_of(column) == "decimal(12,3)"
    column = Column(name="c", type="decimal(4,1)", precision=12, scale=3)
    assert column_hints.type_of(column) == "decimal(4,1)"


def test_one_flag_for_all() -> None:
    """A source column is the third part; the last hint of a name wins."""
    columns = [Column(name="a", type="int", source_column="x"), Column(name="b", type="geography")]
    hints = [
        *column_hints.declared(columns),
        Hint(name="L", type="text"),
        Hint(name="l", type="json"),
    ]
    assert column_hints.flag(hints) == "a:int:x,l:json"


def test_masks_of_columns_and_of_parameters() -> None:
    """Both kinds of list, and a mapping."""
    columns = [Column(name="mail", mask="hash")]
    assert column_hints.masks(columns, "a:md5, b:redact") == ["mail:hash", "a:md5", "b:redact"]
    assert column_hints.masks(columns, {"a": "md5"}) == ["mail:hash", "a:md5"]
