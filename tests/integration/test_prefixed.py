"""An environment with a schema prefix, on a real database: the worker's half."""

from pathlib import Path

import duckdb
import pytest

from assets_parser.model import CustomCheck, Hooks
from assets_parser.spec import AssetSpec
from tests.support import tables
from tests.support.tables import Target
from workers.engines import opened
from workers.prefixed import with_existing_tables

PREFIX = {"BRUIN_SCHEMA_PREFIX": "st_"}


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """A DuckDB that holds raw.a, raw.b and st_raw.a."""
    made = tables.duckdb(tmp_path)
    folder = tmp_path / "data"
    folder.mkdir()
    with duckdb.connect(folder / "house.duckdb") as database:
        database.execute("create schema raw; create table raw.a as select 1 as n")
        database.execute("create table raw.b as select 10 as n")
        database.execute("create schema st_raw; create table st_raw.a as select 2 as n")
    return made


def _changed(target: Target, query: str, **environment: str) -> AssetSpec:
    spec = AssetSpec(
        pipeline="shop",
        name="st_mart.m",
        type="duckdb.sql",
        path="m.sql",
        steps=("query", "checks"),
        query=query,
        hooks=Hooks(pre=(query,)),
        custom_checks=(CustomCheck(name="x", query=query),),
        environment=environment,
    )
    with opened(target.connection) as database:
        return with_existing_tables(spec, lambda name: database.shape(name) is not None, "duckdb")


def test_the_prefixed_table_is_read_where_there_is_one(target: Target) -> None:
    changed = _changed(target, 'select * from RAW.a, raw."b", "raw"."A", a, st_raw.a', **PREFIX)
    expected = 'select * from st_RAW.a, raw."b", "st_raw"."A", a, st_raw.a'
    assert changed.query == expected
    assert changed.hooks.pre == (expected,)
    assert changed.custom_checks[0].query == expected


def test_without_a_prefix_nothing_changes(target: Target) -> None:
    assert _changed(target, "select * from raw.a").query == "select * from raw.a"
