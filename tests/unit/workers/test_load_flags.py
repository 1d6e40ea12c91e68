"""The command line of a load."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets_parser.model import Column, Materialization
from assets_parser.spec import AssetSpec
from workers import load_flags
from workers.arrow_files import Data
from workers.errors import StepFailed
from workers.load_flags import Load


def build(
    data: dict[str, list[Any]],
    strategy: str = "",
    *,
    key: str = "",
    platform: str = "duckdb",
    existing: dict[str, str] | None = None,
    **given: Any,
) -> Load:
    """The load of some data."""
    table = pa.table(data)
    spec = AssetSpec(
        pipeline="p",
        name="s.t",
        type="python",
        path="a.py",
        steps=("materialize", "load"),
        materialization=Materialization(type="table", strategy=strategy, incremental_key=key),
        interval_start="2024-01-01T00:00:00+00:00",
        interval_end="2024-01-01T23:59:59.999990+00:00",
        **given,
    )
    made = Data(path=Path("/x"), rows=table.num_rows, schema=table.schema)
    return load_flags.build(spec, made, platform, existing or {})


def test_no_strategy_no_flag() -> None:
    """ingestr's default is to replace."""
    assert build({"a": [1]}).flags == ()


def test_delete_insert_passes_the_interval_as_bruin_does() -> None:
    """RFC 3339 in UTC, the fraction without zeros at its end."""
    assert build({"d": [date(2024, 1, 1)]}, "delete+insert", key="d").flags == (
        *("--incremental-strategy", "delete+insert", "--incremental-key", "d"),
        *("--interval-start", "2024-01-01T00:00:00Z"),
        *("--interval-end", "2024-01-01T23:59:59.99999Z"),
    )


def test_a_number_has_no_interval_unless_it_becomes_a_moment() -> None:
    """ingestr crashes when it compares the two."""
    assert build({"n": [1]}, "delete+insert", key="n").interval is None
    declared = (Column(name="n", type="timestamp"),)
    enforced = {"enforce_schema": True}
    load = build({"n": [1]}, "delete+insert", key="n", columns=declared, parameters=enforced)
    assert load.interval is not None


@pytest.mark.parametrize("strategy", ["append", "merge", "create+replace"])
def test_other_strategies_have_no_interval(strategy: str) -> None:
    """They would only break where start and end are the same."""
    keys = (Column(name="d", primary_key=True),)
    load = build({"d": [datetime(2024, 1, 1)]}, strategy, key="d", columns=keys)
    assert "--interval-start" not in load.flags


def test_full_refresh_replaces() -> None:
    """Whatever the strategy was."""
    load = build({"a": [1]}, "append", full_refresh=True)
    assert load.strategy == "replace"
    assert load.flags[-1] == "--full-refresh"


def test_a_staging_table_gets_each_row_whatever_its_key() -> None:
    """Keys and the strategy are for the move; a source that is read may bring both."""
    load = build({"a": [1]}, "merge", columns=(Column(name="a", primary_key=True),))
    plain = load.staged(copied=True, remade=False, reads=False)
    assert plain == ("--incremental-strategy", "append")
    read = load.staged(copied=False, remade=False, reads=True)
    assert read == ("--incremental-strategy", "replace", "--primary-key", "a")


def test_parameters_are_passed_on() -> None:
    """Values and switches that Bruin maps, and no others."""
    given = {"page_size": 500, "trim_whitespace": "true", "no_inference": False, "evil": "--x"}
    assert build({"a": [1]}, parameters=given).flags == ("--page-size", "500", "--trim-whitespace")


def test_lists_are_json_where_the_engine_has_none() -> None:
    """DuckDB keeps its lists."""
    columns: dict[str, list[Any]] = {"id": [1], "tags": [["a"]]}
    assert build(columns, platform="postgres").flags == ("--columns", "tags:json")
    assert build(columns, platform="duckdb").flags == ()


def test_hinted_columns_are_renamed_first() -> None:
    """All names of the command line then are the new ones."""
    columns = (
        Column(name="OrderId", type="bigint", primary_key=True),
        Column(name="EMail", type="varchar", mask="hash"),
    )
    load = build({"OrderId": ["1"], "EMail": ["a"]}, "merge", columns=columns)
    assert load.names == {"OrderId": "order_id", "EMail": "e_mail"}
    assert load.flags[2:] == ("--mask", "e_mail:hash", "--primary-key", "order_id")


def test_names_that_the_table_has_are_kept() -> None:
    """ingestr then keeps them too."""
    masked = (Column(name="EMail", mask="hash"),)
    assert build({"EMail": ["a"]}, columns=masked, existing={"EMail": "TEXT"}).names is None


def test_a_date_key_is_hinted() -> None:
    """Bruin tells ingestr that the incremental key is a date."""
    load = build(
        {"d": ["2024-01-01"]}, "delete+insert", key="d", columns=(Column(name="d", type="date"),)
    )
    assert load.flags[-2:] == ("--columns", "d:date")
    assert load.typed == ("d",)


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        ("merge", "primary key"),
        ("delete+insert", "incremental_key"),
        ("scd2", "no strategy 'scd2'"),
    ],
)
def test_loads_that_cannot_be(strategy: str, words: str) -> None:
    """They are refused before anything is touched."""
    with pytest.raises(StepFailed, match=words):
        build({"a": [1]}, strategy)


@pytest.mark.parametrize(
    ("strategy", "keys", "incremental"),
    [
        ("merge", ["z"], ""),
        ("merge", ["a", "z"], ""),
        ("", ["z"], ""),
        ("append", ["z"], ""),
        ("delete+insert", [], "z"),
    ],
)
def test_a_key_that_the_data_lacks_is_refused(
    strategy: str, keys: list[str], incremental: str
) -> None:
    """A smaller key would merge rows that are not the same; ingestr fails, and says less."""
    columns = tuple(Column(name=name, primary_key=True) for name in keys)
    with pytest.raises(StepFailed, match="the data has no column 'z'; it has: a, b"):
        build({"a": [1], "b": [2]}, strategy, key=incremental, columns=columns)


def test_a_key_may_have_another_name_in_the_data() -> None:
    """In another case, as the loader writes it, or as `source_column` says."""
    columns = (
        Column(name="order_id", primary_key=True),
        Column(name="line", primary_key=True, source_column="no"),
    )
    load = build({"OrderID": [1], "no": [2], "b": [3]}, "merge", columns=columns)
    assert load.keys == ("order_id", "line")
