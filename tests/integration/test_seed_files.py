"""Seeds whose files ingestr alone reads otherwise than they are meant, or not at all."""

import datetime
import json
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from assets_parser.model import Column
from tests.support.sources import seed, write
from tests.support.tables import Target
from tests.support.targets import duckdb, server, target
from workers.errors import StepFailed

__all__ = ["duckdb", "server", "target"]

ID = Column(name="id", type="integer")
KEY = Column(name="id", type="integer", primary_key=True)
WHEN = Column(name="day", type="date", source_column="When")
WHO = Column(name="who", type="varchar", source_column="V")


@pytest.mark.parametrize("columns", [(), (ID,)])
def test_a_header_alone_makes_an_empty_table(target: Target, columns: tuple[Column, ...]) -> None:
    """With all its columns, whether they are declared or not; it empties that of an earlier run."""
    write(target, "Id,First Name\n")
    assert seed(target, path="people.csv", columns=columns)["rows"] == 0
    assert target.rows("id first_name", "shop.people") == []
    write(target, "Id,First Name\n1,a\n")
    seed(target, path="people.csv", columns=columns)
    write(target, "Id,First Name\n")
    seed(target, path="people.csv", columns=columns)
    assert target.rows("id first_name", "shop.people") == []


def test_an_empty_file_keeps_the_types_of_an_earlier_run(target: Target) -> None:
    """Where no others are declared."""
    write(target, "id,n\n1,2.5\n")
    seed(target, path="people.csv")
    before = target.columns("shop.people")
    write(target, "id,n\n")
    seed(target, path="people.csv")
    assert target.columns("shop.people") == before
    write(target, "id,n\n1,2.5\n")
    seed(target, path="people.csv")
    assert target.columns("shop.people") == before


def test_no_rows_add_nothing(duckdb: Target) -> None:
    """And what is there stays, where rows are added or merged."""
    write(duckdb, "id\n1\n")
    seed(duckdb, path="people.csv", columns=(KEY,), incremental_strategy="merge")
    write(duckdb, "id\n")
    for _ in range(2):
        (notice,) = seed(duckdb, path="people.csv", columns=(KEY,), incremental_strategy="merge")[
            "notices"
        ]
    assert "no rows" in notice
    assert duckdb.rows(name="shop.people") == [(1,)]


@pytest.mark.parametrize(("name", "text"), [("people.csv", ""), ("people.json", "[]")])
def test_a_file_of_nothing_needs_declared_columns(duckdb: Target, name: str, text: str) -> None:
    """Else there is no table to make."""
    write(duckdb, text, name)
    with pytest.raises(StepFailed, match="is empty"):
        seed(duckdb, path=name)
    assert seed(duckdb, path=name, columns=(ID,))["rows"] == 0
    assert duckdb.columns("shop.people") == {"id": "BIGINT"}


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "parquet"])
def test_columns_are_renamed_with_a_type(target: Target, kind: str) -> None:
    """ingestr makes NULL of them, in CSV and JSON."""
    rows = [{"Id": 1, "V": 'a,"ü', "When": "2024-01-05"}, {"Id": 2, "V": "b\nc", "When": None}]
    csv = 'Id,V,When\n1,"a,""ü",2024-01-05\n2,"b\nc",\n'
    lines = "\n".join(json.dumps(row) for row in rows)
    write(target, {"csv": csv, "json": json.dumps(rows)}.get(kind, lines), f"people.{kind}")
    if kind == "parquet":
        parquet.write_table(pa.Table.from_pylist(rows), target.folder / "assets/people.parquet")
    seed(target, path=f"people.{kind}", columns=(ID, WHO, WHEN))
    found = target.rows("id who day", "shop.people")
    assert [(row[0], row[1], str(row[2])[:10]) for row in found] == [
        (1, 'a,"ü', "2024-01-05"),
        (2, "b\nc", "None"),
    ]


def test_a_column_that_cannot_be_renamed_is_named(duckdb: Target) -> None:
    """Before the load."""
    write(duckdb, "id,other\n1,2\n")
    with pytest.raises(StepFailed, match=r"no column 'V', the source_column of 'who'"):
        seed(duckdb, path="people.csv", columns=(ID, WHO))


def test_a_renamed_value_that_does_not_fit_is_refused(duckdb: Target) -> None:
    """As others."""
    write(duckdb, '[{"Id": 1, "When": "2024-02-30"}]', "people.json")
    with pytest.raises(StepFailed, match="1 of column 'day'"):
        seed(duckdb, path="people.json", columns=(ID, WHEN))


def test_digits_below_a_microsecond_are_cut_and_said(target: Target) -> None:
    """Also in parts of a value; others are not spoken of."""
    nano = 1_704_448_800_123_456_789
    table = pa.table(
        {
            "id": [1],
            "at": pa.array([nano], pa.timestamp("ns")),
            "zoned": pa.array([nano], pa.timestamp("ns", "UTC")),
            "even": pa.array([nano // 1000 * 1000], pa.timestamp("ns")),
        }
    )
    write(target, b"", "people.parquet")
    parquet.write_table(table, target.folder / "assets/people.parquet")
    (notice,) = seed(target, path="people.parquet", columns=(ID,))["notices"]
    assert notice.startswith("moments of at, zoned have digits below a microsecond")
    for found in target.rows("at zoned even", "shop.people")[0]:
        assert "2024-01-05 10:00:00.123456" in str(found).replace("T", " ")


def test_lists_of_such_moments_are_cut_too(duckdb: Target) -> None:
    """And structs."""
    nested: Any = pa.array([[1_704_448_800_123_456_789], None], pa.list_(pa.timestamp("ns")))
    write(duckdb, b"", "people.parquet")
    parquet.write_table(
        pa.table({"id": [1, 2], "l": nested}), duckdb.folder / "assets/people.parquet"
    )
    seed(duckdb, path="people.parquet", columns=(ID,))
    moment = datetime.datetime(2024, 1, 5, 10, 0, 0, 123456)
    assert duckdb.rows("l", "shop.people") == [(None,), ([moment],)]


def test_numbers_that_json_loses_are_said(duckdb: Target) -> None:
    """ingestr reads them as floats."""
    write(duckdb, '[{"id": 9007199254740993}]', "people.json")
    (notice,) = seed(duckdb, path="people.json", columns=(ID,))["notices"]
    assert "numbers of id have more digits" in notice


@pytest.mark.parametrize("value", [1, "x", [1], 1.5])
def test_a_value_of_json_that_is_no_day_is_refused(duckdb: Target, value: object) -> None:
    """Whatever its type; texts that are days pass."""
    days = (Column(name="day", type="date"),)
    write(duckdb, json.dumps([{"day": value}]), "people.json")
    with pytest.raises(StepFailed, match="1 of column 'day'"):
        seed(duckdb, path="people.json", columns=days)
    write(duckdb, '[{"day": "2024-01-05"}]', "people.json")
    seed(duckdb, path="people.json", columns=days)
    assert duckdb.rows(name="shop.people") == [(datetime.date(2024, 1, 5),)]
