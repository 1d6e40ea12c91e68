"""SQL assets on DuckDB and PostgreSQL: each strategy, twice, and what is left when it fails."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from assets_parser.model import Column, ForeignKey
from tests.support.sql_assets import DAY, KEY, NAME, SOURCE, House, house, server
from workers.errors import StepFailed

__all__ = ["house", "server"]


def test_a_query_that_gives_no_rows_is_a_table_without_rows(house: House) -> None:
    assert house.run("select 1 as a where 1 = 2") == 0
    assert house.rows() == []


def test_a_table_is_made_anew_with_other_columns(house: House) -> None:
    assert house.run("select 1 as id union all select 2") == 2
    assert house.run("select 'x' as name, 3 as n;  -- done") == 1
    assert house.rows() == [("x", 3)]


def test_a_query_that_fails_leaves_the_table_as_it_was(house: House) -> None:
    house.run("select 1 as id")
    with pytest.raises(StepFailed):
        house.run("select cast('x' as integer) as id")
    assert house.rows() == [(1,)]


def test_a_view_shows_what_its_query_gives_later(house: House) -> None:
    house.sql(*SOURCE)
    house.run("select id from raw.src", form="view")
    house.sql("delete from raw.src where id = 1")
    assert house.rows() == [(2,)]


def test_a_table_does_not_replace_a_view_and_the_hint_says_so(house: House) -> None:
    house.run("select 1 as id", form="view")
    with pytest.raises(StepFailed) as failed:
        house.run("select 2 as id")
    assert "view" in failed.value.hint
    assert house.rows() == [(1,)]


def test_a_view_does_not_replace_a_table_and_the_hint_says_so(house: House) -> None:
    house.run("select 1 as id")
    with pytest.raises(StepFailed) as failed:
        house.run("select 2 as id", form="view")
    assert failed.value.hint.startswith("a table has the name of the view")
    assert house.rows() == [(1,)]


def test_append_makes_the_table_and_then_adds(house: House) -> None:
    assert house.run("select 1 as id, 'a' as name", "append") == 1
    assert house.run("select 1 as id, 'a' as name", "append") == 1
    assert house.rows() == [(1, "a"), (1, "a")]


def test_append_fills_columns_by_name(house: House) -> None:
    house.run("select 'i' as id, 'n' as name", "append")
    house.run("select 'n2' as NAME, 'i2' as id", "append")
    assert house.rows() == [("i", "n"), ("i2", "n2")]


def test_append_fills_columns_without_a_name_by_position(house: House) -> None:
    house.run("select 1 as id, 'a' as name", "append")
    house.run("select 2 as id, upper('b')", "append")
    assert house.rows() == [(1, "a"), (2, "B")]


def test_append_refuses_a_column_that_would_land_in_another(house: House) -> None:
    house.run("select 1 as id, 2 as n", "append")
    with pytest.raises(StepFailed, match=r"shop\.t has no column x: the query gives x, id"):
        house.run("select 9 as x, 1 as id", "append")
    assert house.rows() == [(1, 2)]


def test_append_leaves_out_columns_that_have_a_default(house: House) -> None:
    house.sql("create schema shop", "create table shop.t (id integer, n integer default 7)")
    house.run("select 1 as id", "append")
    assert house.rows() == [(1, 7)]


def test_append_starts_over_with_a_full_refresh(house: House) -> None:
    house.run("select 1 as id", "append")
    house.run("select 2 as id", "append", full_refresh=True)
    assert house.rows() == [(2,)]


def test_truncate_insert_keeps_the_definition(house: House) -> None:
    house.sql("create schema shop", "create table shop.t (id bigint primary key, name varchar(9))")
    assert house.run("select 1 as id, 'a' as name", "truncate+insert") == 1
    assert house.run("select 'b' as name, 1 as id", "truncate+insert") == 1
    assert house.rows() == [(1, "b")]
    assert "big" in house.target.columns("shop.t")["id"].lower()


def test_truncate_insert_that_fails_keeps_the_rows(house: House) -> None:
    house.run("select 1 as id")
    with pytest.raises(StepFailed):
        house.run("select cast('x' as integer) as id", "truncate+insert")
    assert house.rows() == [(1,)]


def test_delete_insert_replaces_the_rows_of_the_same_key_value(house: House) -> None:
    house.sql(*SOURCE)
    query = "select name, id, d from raw.src"
    house.run(query, "delete+insert", incremental_key="d", full_refresh=True)
    house.sql("update raw.src set name = 'B' where id = 2", "delete from raw.src where id = 1")
    house.sql("insert into raw.src values (3, 'c', '2024-01-02')")
    again = "select id, d, name from raw.src"
    assert house.run(again, "delete+insert", incremental_key="D") == 2
    assert house.rows("id name") == [(1, "a"), (2, "B"), (3, "c")]


def test_delete_insert_does_not_repeat_rows_without_a_key_value(house: House) -> None:
    query = "select 1 as v, cast(null as date) as d union all select 2, date '2024-01-01'"
    house.run(query, "delete+insert", incremental_key="d", full_refresh=True)
    house.run(query, "delete+insert", incremental_key="d")
    assert sorted(house.rows("v")) == [(1,), (2,)]


def test_delete_insert_names_a_key_that_is_no_column(house: House) -> None:
    house.run("select 1 as k")
    with pytest.raises(StepFailed, match="incremental_key 'z' is none of the columns k"):
        house.run("select 1 as k", "delete+insert", incremental_key="z")
    assert house.rows() == [(1,)]


def test_delete_insert_takes_an_expression_as_key(house: House) -> None:
    query = "select 1 as id, timestamp '2024-01-01 10:00:00' as ts"
    house.run(query, full_refresh=True)
    later = "select 2 as id, timestamp '2024-01-01 12:00:00' as ts"
    house.run(later, "delete+insert", incremental_key="cast(ts as date)")
    assert house.rows("id") == [(2,)]


@pytest.mark.parametrize("strategy", ["truncate+insert", "delete+insert", "merge", "time_interval"])
def test_a_table_that_is_not_there_is_not_changed(house: House, strategy: str) -> None:
    more = {"incremental_key": "id", "time_granularity": "date"}
    with pytest.raises(StepFailed, match=r"no table shop\.t") as failed:
        house.run("select 1 as id, 'a' as name", strategy, columns=(KEY, NAME), **more)
    assert "--full-refresh" in failed.value.hint


def test_merge_updates_marked_columns_and_inserts_new_keys(house: House) -> None:
    columns = (KEY, NAME, Column(name="n", type="integer"))
    house.run("select 1 as id, 'a' as name, 10 as n union all select 2, 'b', 20")
    query = "select 99 as n, 'B' as name, 2 as id union all select 30, 'c', 3"
    assert house.run(query, "merge", columns=columns) == 2
    assert house.rows() == [(1, "a", 10), (2, "B", 20), (3, "c", 30)]


def test_merge_without_marked_columns_only_inserts(house: House) -> None:
    house.run("select 1 as id, 'a' as name")
    columns = (KEY, Column(name="name", type="varchar"))
    query = "select 1 as id, 'A' as name union all select 2, 'b'"
    assert house.run(query, "merge", columns=columns) == 1
    assert house.rows() == [(1, "a"), (2, "b")]


def test_merge_knows_keys_with_a_null_again(house: House) -> None:
    columns = (KEY, replace(DAY, primary_key=True), NAME)
    house.run(
        "select 1 as id, cast(null as date) as d, 'a' as name union all select null, null, 'n'"
    )
    query = (
        "select 1 as id, cast(null as date) as d, 'A' as name union all select null, null, 'N' "
        "union all select 1, date '2024-01-01', 'new'"
    )
    for _ in range(2):
        house.run(query, "merge", columns=columns)
    assert sorted(house.rows("name")) == [("A",), ("N",), ("new",)]


def test_merge_computes_with_both_rows(house: House) -> None:
    house.run("select 1 as id, 10 as n")
    columns = (KEY, Column(name="n", type="integer", merge_sql="target.n + source.n"))
    house.run("select 1 as id, 5 as n", "merge", columns=columns)
    assert house.rows() == [(1, 15)]


def test_merge_looks_only_at_rows_that_its_predicate_picks(house: House) -> None:
    house.run("select 1 as id, 'old' as name union all select 2, 'two'")
    more = {"columns": (KEY, NAME), "incremental_predicate": "target.name <> 'old'"}
    house.run("select 1 as id, 'x' as name union all select 2, 'y'", "merge", **more)
    assert house.rows() == [(1, "old"), (1, "x"), (2, "y")]


def test_merge_refuses_two_rows_of_one_key(house: House) -> None:
    house.run("select 1 as id, 'a' as name")
    query = "select 2 as id, 'x' as name union all select 2, 'y'"
    with pytest.raises(StepFailed, match=r"several rows for one primary key \(id\): 2"):
        house.run(query, "merge", columns=(KEY, NAME))
    assert house.rows() == [(1, "a")]


def test_merge_into_a_table_that_enforces_its_key(house: House) -> None:
    house.run("", "ddl", columns=(KEY, NAME))
    for name in ("a", "b"):
        house.run(f"select 1 as id, '{name}' as name", "merge", columns=(KEY, NAME))
    assert house.rows() == [(1, "b")]


def test_a_date_interval_ends_with_its_last_day(house: House) -> None:
    house.sql("create schema shop", "create table shop.t (id integer, ts timestamp)")
    house.sql(
        "insert into shop.t values (0, '2023-12-31 23:59:59'), (1, '2024-01-01 10:00:00'), "
        "(2, '2024-01-02 15:00:00'), (3, '2024-01-03 00:00:00')"
    )
    house.run(
        "select 9 as id, timestamp '2024-01-02 00:00:00' as ts",
        "time_interval",
        incremental_key="ts",
        time_granularity="date",
        end="2024-01-02T00:00:00+00:00",
    )
    assert house.rows("id") == [(0,), (3,), (9,)]


def test_a_timestamp_interval_holds_both_its_ends(house: House) -> None:
    house.sql("create schema shop", "create table shop.t (id integer, ts timestamp)")
    house.sql(
        "insert into shop.t values (1, '2024-01-01 09:59:59'), (2, '2024-01-01 10:00:00'), "
        "(3, '2024-01-01 11:00:00'), (4, '2024-01-01 11:00:01')"
    )
    house.run(
        "select 9 as id, timestamp '2024-01-01 10:30:00' as ts",
        "time_interval",
        incremental_key="ts",
        time_granularity="timestamp",
        start="2024-01-01T10:00:00+00:00",
        end="2024-01-01T11:00:00+00:00",
    )
    assert house.rows("id") == [(1,), (4,), (9,)]


def test_ddl_makes_the_declared_table_once(house: House) -> None:
    house.run("", "ddl", name="shop.parent", columns=(KEY,))
    columns = (
        KEY,
        Column(name="name", type="varchar", length=20, nullable=False, description="who's"),
        Column(name="price", type="decimal", precision=10, scale=2, default="0"),
        Column(
            name="parent", type="integer", foreign_key=ForeignKey(table="shop.parent", column="id")
        ),
    )
    house.run("", "ddl", columns=columns)
    house.sql("insert into shop.parent values (7)")
    house.sql("insert into shop.t (id, name, parent) values (1, 'a', 7)")
    house.run("", "ddl", columns=columns, full_refresh=True)
    assert [tuple(map(str, row)) for row in house.rows()] == [("1", "a", "0.00", "7")]


def test_names_may_be_words_of_the_language_and_of_mixed_case(house: House) -> None:
    house.run('select 1 as "Order", 2 as "select"', name="group.Table")
    house.run('select 4 as "select", 3 as "Order"', "append", name="group.Table")
    assert house.rows(name="group.Table") == [(1, 2), (3, 4)]


def test_dates_and_times_arrive_as_they_are(house: House) -> None:
    house.run("select date '2024-01-01' as d, timestamp '2024-01-01 01:02:03' as ts", "append")
    assert house.rows() == [(date(2024, 1, 1), datetime(2024, 1, 1, 1, 2, 3))]
