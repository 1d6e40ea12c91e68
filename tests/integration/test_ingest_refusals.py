"""What ingestr assets refuse, or say, where ingestr alone would lose something in silence."""

import pytest

from assets_parser.model import Column
from tests.support.sources import ITEMS, ROWS, Pair, plain, within
from workers.errors import StepFailed

__all__ = ["plain", "within"]

KEY = (Column(name="id", type="integer", primary_key=True),)


@pytest.mark.parametrize("strategy", ["delete+insert", "append"])
def test_a_key_that_the_source_lacks_is_named(plain: Pair, strategy: str) -> None:
    """SQLite takes its name for a text: no row would be read, with success."""
    plain.prepare(ITEMS, ROWS)
    with pytest.raises(StepFailed, match="'nowhere'"):
        plain.ingest(strategy=strategy, key="nowhere")


@pytest.mark.parametrize(
    ("table", "value"),
    [
        ("items", "{'a': 1}"),
        ("items", "[{'a': 1}]"),
        ("items", "MAP {'a': 1}"),
        ("items", "INTERVAL 1 DAY"),
        ("query:select * from items", "[1, 2]"),
        ("query:select * from items;", "TIME '10:00:00'"),
    ],
)
def test_types_that_ingestr_cannot_read_are_refused(within: Pair, table: str, value: str) -> None:
    """It would load what they are in its memory."""
    within.prepare(f"CREATE TABLE items AS SELECT {value} AS v")
    with pytest.raises(StepFailed, match="cannot read"):
        within.ingest(table)


def test_such_a_type_can_be_read_by_a_query(within: Pair) -> None:
    """As the hint says."""
    within.prepare("CREATE TABLE items AS SELECT {'a': 1} AS v")
    within.ingest("query:select to_json(v) as v from items")
    assert within.copied() == [('{"a":1}',)]


def test_columns_of_one_name_are_refused(within: Pair) -> None:
    """ingestr keeps the last; a column that is left out does no harm."""
    within.prepare('CREATE TABLE items AS SELECT 1 AS "First Name", 2 AS first_name')
    with pytest.raises(StepFailed, match="would all be named 'first_name'"):
        within.ingest()
    within.ingest(parameters={"sql_exclude_columns": "First Name"})
    assert within.copied() == [(2,)]


def test_a_source_file_that_is_not_there_is_not_made(plain: Pair) -> None:
    """ingestr would make an empty one."""
    with pytest.raises(StepFailed, match="there is no file"):
        plain.ingest()
    assert plain.source.file is not None
    assert not plain.source.file.exists()


def test_a_missing_table_fails(plain: Pair) -> None:
    """In ingestr's words, and no table comes of it."""
    plain.prepare(ITEMS)
    with pytest.raises(StepFailed, match="nothing"):
        plain.ingest("nothing")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"parameters": {"stream": True}}, "stream"),
        ({"parameters": {"cdc_mode": "batch"}}, "cdc_mode"),
        ({"parameters": {"source_table": ""}}, "source_table"),
        ({"parameters": {"source_connection": "nowhere"}}, "nowhere"),
        ({"strategy": "scd2_by_time"}, "no strategy"),
        ({"strategy": "delete+insert"}, "incremental_key"),
        ({"key": "day"}, "incremental_key"),
    ],
)
def test_what_cannot_be_done_is_refused(plain: Pair, given: dict, words: str) -> None:  # type: ignore[type-arg]
    """Before anything is loaded."""
    plain.prepare(ITEMS, ROWS)
    with pytest.raises(StepFailed, match=words) as failure:
        plain.ingest(**given)
    assert failure.value.kind == "config"


def test_another_version_of_ingestr_is_said(plain: Pair) -> None:
    """The installed one does the work."""
    plain.prepare(ITEMS, ROWS)
    (notice,) = plain.ingest(parameters={"version": "v0.14.155"})["notices"]
    assert "asks for ingestr 0.14.155" in notice
    assert plain.ingest(parameters={"version": "v1"})["notices"] == []


def test_rows_that_repeat_a_declared_key_are_said(within: Pair) -> None:
    """One row of each stays."""
    within.prepare("CREATE TABLE items AS SELECT i % 3 AS id FROM range(10) t(i)")
    (notice,) = within.ingest(columns=KEY)["notices"]
    assert "7 of 10 rows repeat the primary key id" in notice


def test_a_decimal_that_would_be_rounded_is_refused(plain: Pair) -> None:
    """ingestr makes 13 of 12.5; a query reads it as text."""
    plain.prepare(
        "CREATE TABLE items (id INTEGER PRIMARY KEY, n NUMERIC)",
        "INSERT INTO items VALUES (1, 3), (2, 12.5)",
    )
    with pytest.raises(StepFailed, match="'n' of items is a decimal without digits") as failure:
        plain.ingest()
    assert "cast(n as text)" in failure.value.hint
    columns = (*KEY, Column(name="n", type="decimal"))
    query = "query:select id, cast(n as text) as n from items"
    plain.ingest(query, columns=columns, parameters={"enforce_schema": True})
    assert [float(row[0]) for row in plain.copied("n")] == [12.5, 3]
