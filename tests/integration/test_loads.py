"""Loads by the real ingestr into real databases leave exactly the rows that they were given."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from assets_parser.model import Column
from tests.support import mariadb, tables
from tests.support.tables import Target
from tests.support.targets import server
from workers.errors import StepFailed

__all__ = ["server"]

KEY = (Column(name="id", type="integer", primary_key=True), Column(name="v", type="varchar"))
ONE = pa.table({"id": [1, 2], "v": ["a", "b"]})
TWO = pa.table({"id": [2, 3], "v": ["B", "c"]})


@pytest.fixture(scope="module")
def mysql() -> Iterator[mariadb.Server]:
    """One MariaDB for this module."""
    with mariadb.running() as running:
        yield running


@pytest.fixture(params=["duckdb", "sqlite", "postgres", "mysql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    """An empty database of each engine."""
    made: Target
    if request.param in ("postgres", "mysql"):
        fixture = "server" if request.param == "postgres" else "mysql"
        made = request.getfixturevalue(fixture).target(tmp_path)
    else:
        made = getattr(tables, request.param)(tmp_path)
    return made


def days(*values: tuple[date, int]) -> pa.Table:
    """A table with the key `d` and a value."""
    keys, numbers = [d for d, _ in values], [v for _, v in values]
    return pa.table({"d": pa.array(keys, pa.date32()), "v": pa.array(numbers, pa.int64())})


def seen(target: Target, columns: str = "*") -> list[list[str]]:
    """The rows as text, so that SQLite's dates compare with those of others."""
    return [[str(value)[:10] for value in row] for row in target.rows(columns)]


def test_create_replace_leaves_the_last_data_only(target: Target) -> None:
    """Twice create+replace, and the first rows are gone."""
    target.load(ONE, "create+replace")
    result = target.load(TWO, "create+replace")
    assert target.rows() == [(2, "B"), (3, "c")]
    assert (result["rows"], result["table"], result["notices"]) == (2, "shop.orders", [])


def test_no_strategy_means_replace(target: Target) -> None:
    """Without a strategy the table is replaced."""
    target.load(ONE)
    target.load(TWO)
    assert target.rows() == [(2, "B"), (3, "c")]


def test_append_adds_up(target: Target) -> None:
    """Two appends leave the rows of both."""
    target.load(ONE, "append")
    assert target.load(TWO, "append")["rows"] == 2
    assert target.rows() == [(1, "a"), (2, "B"), (2, "b"), (3, "c")]


def test_full_refresh_turns_append_into_replace(target: Target) -> None:
    """--full-refresh replaces whatever the strategy says."""
    target.load(ONE, "append")
    target.load(TWO, "append", full_refresh=True)
    assert target.rows() == [(2, "B"), (3, "c")]


def test_merge_updates_and_inserts(target: Target) -> None:
    """A merge by primary key is the same however often it is made."""
    target.load(ONE, "merge", columns=KEY)
    for _ in range(2):
        assert target.load(TWO, "merge", columns=KEY)["rows"] == 2
    assert target.rows() == [(1, "a"), (2, "B"), (3, "c")]


def test_append_of_a_known_key_fails_instead_of_losing_rows(target: Target) -> None:
    """DuckDB drops such a batch and exits 0: the load says how many rows are missing."""
    target.load(ONE, "append", columns=KEY)
    with pytest.raises(StepFailed) as failure:
        target.load(TWO, "append", columns=KEY)
    assert failure.value.kind == "load"
    assert (1, "a") in target.rows()
    assert "orders.1.arrow" in target.files


def test_repeated_keys_of_a_merge_are_said(target: Target) -> None:
    """Fewer rows than produced are explained by the key that repeats."""
    result = target.load(pa.table({"id": [1, 1], "v": ["a", "a"]}), "merge", columns=KEY)
    assert result["rows"] == 1
    assert "repeat the primary key id" in result["notices"][0]


def test_merge_without_a_column_fails_before_it_erases_it(target: Target) -> None:
    """A merge would overwrite the missing column with NULL."""
    target.load(pa.table({"id": [1], "v": ["a"], "w": [1]}), "merge", columns=KEY)
    with pytest.raises(StepFailed, match=r"lacks columns .* NULL: w"):
        target.load(pa.table({"id": [1], "v": ["b"]}), "merge", columns=KEY)
    assert target.rows() == [(1, "a", 1)]


def test_delete_insert_replaces_its_interval(target: Target) -> None:
    """A second run of the same day replaces that day only."""
    january = date(2024, 1, 1)
    target.load(days((date(2023, 12, 31), 0)), "append")
    target.load(days((january, 1), (january, 2)), "delete+insert", key="d")
    target.load(days((january, 3)), "delete+insert", key="d")
    assert seen(target) == [["2023-12-31", "0"], ["2024-01-01", "3"]]


def test_delete_insert_does_not_double_rows_outside_the_interval(target: Target) -> None:
    """Rows outside the run's interval replace earlier ones with the same key."""
    rows = days((date(2024, 1, 1), 1), (date(2024, 2, 1), 2))
    for _ in range(2):
        target.load(rows, "delete+insert", key="d")
    assert seen(target) == [["2024-01-01", "1"], ["2024-02-01", "2"]]


def test_delete_insert_with_an_empty_table_empties_the_interval(target: Target) -> None:
    """Columns without rows delete the rows of the interval."""
    target.load(days((date(2024, 1, 1), 1), (date(2024, 1, 2), 2)), "append")
    target.load(days().slice(0, 0), "delete+insert", key="d")
    assert seen(target) == [["2024-01-02", "2"]]


def test_delete_insert_by_a_number_uses_the_data_as_interval(target: Target) -> None:
    """A number cannot be compared with the run's moments."""
    for value in ("a", "b"):
        target.load(pa.table({"n": [1, 5], "v": [value, value]}), "delete+insert", key="n")
    assert target.rows() == [(1, "b"), (5, "b")]


def test_delete_insert_needs_an_end_after_its_start(target: Target) -> None:
    """ingestr refuses an empty interval; its words and a hint reach the user."""
    with pytest.raises(StepFailed, match="earlier") as failure:
        target.load(days((date(2024, 1, 1), 1)), "delete+insert", key="d", end=tables.OPTIONS.start)
    assert "--end-date" in failure.value.hint


def test_other_strategies_accept_an_empty_interval(target: Target) -> None:
    """Only delete+insert looks at the interval."""
    target.load(ONE, "append", end=tables.OPTIONS.start)
    assert len(target.rows()) == 2


def test_a_load_that_wrote_nothing_is_repeated(target: Target) -> None:
    """ingestr ended by itself, and no row of it is there."""
    bad = pa.table({"id": pa.array([2**64 - 1], pa.uint64())})
    for attempt in (1, 2):
        target.attempt = attempt
        with pytest.raises(StepFailed, match="ingestr"):
            target.load(bad, "append")
    target.load(ONE, "append")
    assert target.rows() == [(1, "a"), (2, "b")]


def test_nothing_returned_leaves_the_table(target: Target) -> None:
    """No data is a success that touches nothing."""
    target.load(ONE)
    assert target.load(None)["notices"] == ["no data"]
    assert target.rows() == [(1, "a"), (2, "b")]


def test_an_empty_table_empties_the_target(target: Target) -> None:
    """Columns without rows are a table without rows."""
    target.load(ONE)
    assert target.load(ONE.slice(0, 0))["rows"] == 0
    assert target.rows() == []


def test_nothing_is_left_beside_the_database(target: Target) -> None:
    """The data stays on storage: until the end is recorded, a successor may look for it."""
    target.load(ONE, "append")
    assert target.files == ["orders.1.arrow"]
    if target.connection.file:
        beside = [path.name for path in target.connection.file.parent.iterdir()]
        assert not [name for name in beside if "staging" in name]


def test_decimals_that_json_cannot_keep_are_said(target: Target) -> None:
    """A struct becomes JSON, whose numbers keep 15 digits; shorter decimals are no news."""
    short, long = Decimal("1.50"), Decimal("12345678901234567.89")
    assert target.load(pa.table({"o": [{"n": short}]}))["notices"] == []
    (notice,) = target.load(pa.table({"o": [{"n": long}]}))["notices"]
    assert "inside o" in notice


def test_lists_arrive_as_json(target: Target) -> None:
    """Where the engine has no list type they are JSON instead of NULL, whatever the name's case."""
    target.load(pa.table({"id": [1, 2], "TagList": [["a", "b"], []]}))
    found = [str(row[0]).replace(" ", "").replace("'", '"') for row in target.rows("tag_list")]
    assert sorted(found) == ['["a","b"]', "[]"]


@pytest.mark.parametrize("strategy", ["append", "merge"])
def test_a_column_of_nulls_does_not_change_the_table(target: Target, strategy: str) -> None:
    """It has no type of its own; ingestr alone would turn the table's numbers into texts."""
    columns = KEY[:1]
    target.load(pa.table({"id": [1], "v": [1.5]}), strategy, columns=columns)
    before = target.columns()
    target.load(pa.table({"id": [2], "v": [None]}), strategy, columns=columns)
    assert target.columns() == before
    assert target.rows() == [(1, 1.5), (2, None)]


def test_values_survive(target: Target) -> None:
    """Decimals, dates, moments, bytes, booleans and large numbers arrive unharmed."""
    moment = datetime(2024, 2, 29, 13, 14, 15, 123456, tzinfo=UTC)
    target.load(
        pa.table(
            {
                "n": pa.array([9007199254740993]),
                "d": pa.array([date(2024, 2, 29)], pa.date32()),
                "z": pa.array([moment], pa.timestamp("us", "UTC")),
                "m": pa.array([Decimal("12345.6789")]),
                "b": pa.array([True]),
                "r": pa.array([b"\x00\xff"]),
                "t": pa.array(["Grüße, 'q' \"d\" \\ \n\t🚀"]),
            }
        )
    )
    row = target.rows()[0]
    assert row[0] == 9007199254740993
    assert str(row[1]) == "2024-02-29"
    assert str(row[2]).replace("T", " ")[:26] == "2024-02-29 13:14:15.123456"
    assert float(row[3]) == 12345.6789
    assert bool(row[4]) is True
    assert bytes(row[5]) == b"\x00\xff"
    assert row[6] == "Grüße, 'q' \"d\" \\ \n\t🚀"


def test_enforced_types_are_given_to_columns_that_are_renamed(target: Target) -> None:
    """ingestr alone loses every value of a hinted column whose name it changes."""
    declared = (Column(name="OrderId", type="bigint"), Column(name="FirstName", type="varchar"))
    target.load(
        pa.table({"OrderId": ["1", "2"], "FirstName": ["a", "b"]}),
        columns=declared,
        parameters={"enforce_schema": True},
    )
    assert target.rows("order_id first_name") == [(1, "a"), (2, "b")]


def test_a_value_of_another_type_fails_aloud(target: Target) -> None:
    """ingestr makes it NULL without a word."""
    declared = (Column(name="id", type="bigint"), Column(name="day", type="date"))
    with pytest.raises(StepFailed) as failure:
        target.load(
            pa.table({"id": [1], "day": ["not a day"]}),
            columns=declared,
            parameters={"enforce_schema": True},
        )
    assert failure.value.kind == "load"


def test_a_mask_is_applied(target: Target) -> None:
    """`mask: hash` stores a hash instead of the value, also under a changed name."""
    masked = (Column(name="EMail", type="varchar", mask="hash"),)
    target.load(pa.table({"EMail": ["ada@example.com"]}), columns=masked)
    (value,) = target.rows()[0]
    assert value == "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72"
