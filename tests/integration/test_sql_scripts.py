"""SQL assets of more than one query: scripts, statements around the query, hooks."""

from dataclasses import replace

import pytest

from tests.support.sql_assets import House, house, server
from workers import query_step
from workers.errors import StepFailed

__all__ = ["house", "server"]


def test_a_script_runs_as_it_is(house: House) -> None:
    script = "create schema shop; create table shop.t (a integer);\ninsert into shop.t values (1);"
    assert house.run(script, None) is None
    assert house.rows() == [(1,)]


@pytest.mark.parametrize("script", ["", "-- nothing", " ; "])
def test_a_script_of_nothing_does_nothing(house: House, script: str) -> None:
    assert house.run(script, None) is None


def test_statements_around_the_query_run_in_its_session(house: House) -> None:
    script = (
        "create temp table numbers as select 1 as n;\ninsert into numbers values (2);\n"
        "select n from numbers;\ninsert into shop.t values (3)"
    )
    assert house.run(script) == 2
    assert house.rows() == [(1,), (2,), (3,)]


def test_two_queries_cannot_become_one_table(house: House) -> None:
    with pytest.raises(StepFailed, match="2 statements are queries"):
        house.run("select 1 as a; with x as (select 2 as a) select a from x")


def test_hooks_run_around_the_asset_in_its_session(house: House) -> None:
    house.run(
        "select a from made",
        pre=["create temp table made as select 1 as a"],
        post=["create table shop.after as select a + 1 as a from made", "-- nothing"],
    )
    assert house.rows(name="shop.after") == [(2,)]


def test_a_hook_that_fails_before_stops_the_asset(house: House) -> None:
    with pytest.raises(StepFailed, match="nowhere"):
        house.run("select 1 as a", pre=["select * from nowhere"])
    with pytest.raises(AssertionError, match="no table"):
        house.rows()


def test_a_hook_that_fails_behind_leaves_the_table(house: House) -> None:
    with pytest.raises(StepFailed, match="nowhere"):
        house.run("select 1 as a", post=["select * from nowhere"])
    assert house.rows() == [(1,)]


def test_a_run_that_continues_does_only_the_hooks_of_rows_that_are_there(house: House) -> None:
    house.run("select 1 as a")
    with pytest.raises(StepFailed, match="nowhere") as failed:
        house.run("select 1 as a", "append", post=["select * from nowhere"])
    assert failed.value.kind == "hook"
    post = ["create table shop.after as select 2 as a"]
    again = house.context("select 1 as a", "append", post=post)
    query_step.run(replace(again, previous={"written": "yes"}))
    assert (house.rows(), house.rows(name="shop.after")) == ([(1,), (1,)], [(2,)])
