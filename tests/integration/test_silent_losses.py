"""What ingestr loses in silence is loaded here, or said: loads of Python assets into real tables.

Those of seeds are in test_seeds.py, those of ingestr assets in test_ingests.py and
test_ingest_refusals.py.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from assets_parser.model import Column
from tests.support.tables import Target
from tests.support.targets import duckdb, postgres, server, target
from workers.errors import StepFailed

__all__ = ["duckdb", "postgres", "server", "target"]

KEY = (Column(name="id", type="bigint", primary_key=True),)
ENFORCED = {"parameters": {"enforce_schema": True}}


def one(values: Any, kind: Any = None) -> pa.Table:
    """A table with a key and the column `c`."""
    return pa.table({"id": list(range(1, len(values) + 1)), "c": pa.array(values, kind)})


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        ("integer", ["1", "x"]),
        ("integer", ["1", "1.5"]),
        ("integer", [1.0, 1.5]),
        ("tinyint", [1, 300]),
        ("smallint", ["1", "70000"]),
        ("date", ["2024-01-01", "2024-13-01"]),
        ("date", ["2024-01-01", "2024-02-30"]),
        ("double", ["1.5", "x"]),
        ("boolean", ["true", "perhaps"]),
        ("decimal(4,1)", [1.5, 99999.0]),
        ("decimal(4,1)", ["1.5", "99999"]),
    ],
)
def test_a_value_that_does_not_fit_leaves_the_table_as_it_was(
    target: Target, declared: str, values: list[Any]
) -> None:
    """ingestr replaces the table and stores NULL, a cut or a wrapped number."""
    columns = (Column(name="c", type=declared),)
    target.load(one(values[:1]), columns=columns, **ENFORCED)
    before = target.rows()
    with pytest.raises(StepFailed, match="column 'c'"):
        target.load(one(values), columns=columns, **ENFORCED)
    assert target.rows() == before


@pytest.mark.parametrize(
    ("declared", "values"), [("double", ["1.5", ""]), ("date", ["2024-01-01", "2024-02-30"])]
)
def test_a_value_that_only_ingestr_can_judge_is_found(
    duckdb: Target, declared: str, values: list[str]
) -> None:
    """The type and a row are said, as for others."""
    columns = (Column(name="c", type=declared),)
    words = rf"1 of column 'c' as {declared} \(look at row 2 first\)"
    with pytest.raises(StepFailed, match=words):
        duckdb.load(one(values), columns=columns, **ENFORCED)


def test_a_decimal_without_digits_keeps_its_fraction(target: Target) -> None:
    """ingestr alone rounds it to a whole number."""
    columns = (Column(name="c", type="numeric"),)
    target.load(one([1.57, -0.5]), columns=columns, **ENFORCED)
    assert sorted(float(row[1]) for row in target.rows()) == [-0.5, 1.57]


@pytest.mark.parametrize("names", [["First Name", "first_name"], ["ID", "Id"]])
def test_columns_of_one_name_are_refused(target: Target, names: list[str]) -> None:
    """ingestr keeps one of them."""
    with pytest.raises(StepFailed, match="would all be named"):
        target.load(pa.table([[1], [2]], names=names))


def test_delete_insert_with_a_key_replaces_its_interval(target: Target) -> None:
    """ingestr alone fails on SQLite, where it compares moments as texts."""
    columns = (*KEY, Column(name="at", type="timestamp"))
    moments = [datetime(2024, 1, 1, 10, tzinfo=UTC), datetime(2024, 1, 1, 11, tzinfo=UTC)]
    both = pa.table({"id": [1, 2], "at": pa.array(moments, pa.timestamp("us", "UTC"))})
    target.load(both, "delete+insert", key="at", columns=columns)
    target.load(both.slice(0, 1), "delete+insert", key="at", columns=columns)
    assert [row[0] for row in target.rows("id")] == [1]


def test_a_merge_that_only_updates_is_counted(target: Target) -> None:
    """Also where the row written last is not one of its own."""
    target.load(one([1, 2]), "merge", columns=KEY)
    assert target.load(one([5]), "merge", columns=KEY)["rows"] == 1
    assert target.rows() == [(1, 5), (2, 2)]


@pytest.mark.parametrize(
    ("kind", "values", "wanted"),
    [
        ("numeric(10,2)", [1.5], "numeric(10,2)"),
        ("numeric(10,2)", [0.1 + 0.2], "numeric(10,2)"),
        ("numeric(10,2)", [1.2345], "numeric(38,9)"),
        ("numeric(10,2)", ["1.50"], "numeric(10,2)"),
        ("numeric", [1.5], "numeric(38,9)"),
        ("numeric", [Decimal("1.25")], "numeric(38,9)"),
        ("integer", ["5"], "bigint"),
        ("date", ["2024-01-01"], "date"),
        ("boolean", ["true"], "boolean"),
        ("uuid", ["9e16d88e-57c8-42ff-982b-2caa1dc1d8e8"], "uuid"),
        ("text", ["x"], "text"),
    ],
)
@pytest.mark.parametrize("strategy", ["merge", "append", ""])
def test_a_column_of_postgres_stays_what_it_is(
    postgres: Target, kind: str, values: list[Any], wanted: str, strategy: str
) -> None:
    """ingestr alone makes a text of it, and the next asset that computes with it fails."""
    postgres.execute("CREATE SCHEMA shop", f"CREATE TABLE shop.orders (id bigint, c {kind})")
    result = postgres.load(one(values), strategy, columns=KEY if strategy == "merge" else ())
    assert postgres.columns()["c"] == wanted
    assert result["notices"] == []


def test_a_column_of_duckdb_stays_what_it_is(duckdb: Target) -> None:
    """In a merge; a replace makes the table anew."""
    duckdb.execute("CREATE SCHEMA shop", "CREATE TABLE shop.orders (id bigint primary key, c date)")
    duckdb.load(one(["2024-01-01"]), "merge", columns=KEY)
    assert duckdb.rows("c") == [(date(2024, 1, 1),)]


def test_a_column_that_must_become_text_is_said(postgres: Target) -> None:
    """The values are all there; a notice tells why computing with them will fail."""
    postgres.execute("CREATE SCHEMA shop", "CREATE TABLE shop.orders (id bigint, c integer)")
    (notice,) = postgres.load(one(["5", "x"]), "append")["notices"]
    assert "column 'c' became text, it was integer" in notice
    assert postgres.rows("c") == [("5",), ("x",)]


def test_a_numeric_with_more_digits_is_not_rounded(postgres: Target) -> None:
    """The load fails and says what to do."""
    postgres.execute(
        "CREATE SCHEMA shop",
        "CREATE TABLE shop.orders (id bigint, c numeric)",
        "INSERT INTO shop.orders VALUES (9, 0.12345678901234567890)",
    )
    with pytest.raises(StepFailed, match="numeric without digits") as failure:
        postgres.load(one([1.5]), "append")
    assert "ALTER TABLE shop.orders" in failure.value.hint
    assert postgres.rows("c") == [(Decimal("0.12345678901234567890"),)]


@pytest.mark.parametrize("strategy", ["append", "merge"])
def test_an_empty_frame_changes_no_type(target: Target, strategy: str) -> None:
    """Its columns have types by chance: DuckDB refuses another one for a key."""
    target.load(one([1, 2]), strategy, columns=KEY)
    before = target.columns()
    empty = pa.table({"id": pa.array([], pa.float64()), "c": pa.array([], pa.string())})
    assert target.load(empty, strategy, columns=KEY)["rows"] == 0
    assert (target.columns(), target.rows()) == (before, [(1, 1), (2, 2)])


def test_texts_that_are_no_moments_replace_the_same_texts(target: Target) -> None:
    """ingestr compares them with the run's interval, as texts, and doubles the rows."""
    target.load(pa.table({"k": ["a", "c", None], "v": [1, 1, 1]}), "delete+insert", key="k")
    target.load(pa.table({"k": ["c", None, "d"], "v": [2, 2, 2]}), "delete+insert", key="k")
    assert target.rows("k v") == [(None, 2), ("a", 1), ("c", 2), ("d", 2)]


def test_numbers_replace_rows_without_a_number_too(target: Target) -> None:
    """Those would be doubled by every run."""
    for value in (1, 2):
        rows = pa.table({"k": pa.array([5, None]), "v": [value, value]})
        target.load(rows, "delete+insert", key="k")
    assert target.rows("k v") == [(None, 2), (5, 2)]
