"""What an ingestr asset and a seed mean on ingestr's command line."""

from typing import Any

import pytest

from assets_parser.model import Column, Materialization
from assets_parser.spec import AssetSpec
from workers.errors import StepFailed
from workers.source_flags import Reading, of_seed, of_source

INTERVAL = {"interval_start": "2024-01-01T00:00:00+00:00"}
INTERVAL |= {"interval_end": "2024-01-01T23:59:59.999999+00:00"}
DATES = [
    "--interval-start",
    "2024-01-01T00:00:00Z",
    "--interval-end",
    "2024-01-01T23:59:59.999999Z",
]
KEY = (Column(name="Id", type="integer", primary_key=True),)
DATABASE = Reading(bounded=False)


def spec(strategy: str = "", **given: Any) -> AssetSpec:
    """An ingestr asset."""
    parts = {
        name: given.pop(name)
        for name in ("incremental_key", "partition_by", "cluster_by")
        if name in given
    }
    made = Materialization(type="table", strategy=strategy, **parts)
    usual = {"pipeline": "p", "name": "shop.copy", "type": "ingestr", "path": "a.asset.yml"}
    return AssetSpec(**usual, **INTERVAL | given, steps=("ingest",), materialization=made)


def flags(asset: AssetSpec, reading: Reading = DATABASE) -> list[str]:
    """The flags without the interval."""
    found = list(of_source(asset, reading).flags)
    if found[: len(DATES)] == DATES or DATES[0] in found:
        place = found.index(DATES[0])
        del found[place : place + len(DATES)]
    return found


def test_without_a_strategy_the_source_decides() -> None:
    """Databases are replaced; others have a way of their own."""
    load = of_source(spec(), DATABASE)
    assert list(load.flags) == DATES
    assert load.strategy == ""


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("create+replace", "replace"),
        ("truncate+insert", "replace"),
        ("append", "append"),
        ("merge", "merge"),
    ],
)
def test_strategies_have_ingestr_names(written: str, said: str) -> None:
    """Also where a parameter names them."""
    assert flags(spec(written)) == ["--incremental-strategy", said]
    assert flags(spec(parameters={"incremental_strategy": written})) == flags(spec(written))


def test_an_incremental_key_brings_the_interval() -> None:
    """The source is read between its ends."""
    load = of_source(spec("append", incremental_key="at"), DATABASE)
    wanted = ["--incremental-strategy", "append", "--incremental-key", "at", *DATES]
    assert list(load.flags) == wanted


@pytest.mark.parametrize(
    ("columns", "reading"),
    [
        ((Column(name="n", type="integer"),), DATABASE),
        ((), Reading(numbers=["n"], bounded=False)),
    ],
)
def test_a_number_has_no_interval(columns: tuple[Column, ...], reading: Reading) -> None:
    """Declared as one, or found to be one."""
    load = of_source(spec("delete+insert", incremental_key="n", columns=columns), reading)
    assert DATES[0] not in load.flags
    assert load.interval is None


def test_an_empty_interval_is_left_out_where_nothing_uses_it() -> None:
    """A service may use it: then ingestr says what is wrong."""
    empty = {"interval_end": INTERVAL["interval_start"]}
    assert of_source(spec(**empty), DATABASE).flags == ()
    assert DATES[0] in of_source(spec(**empty), Reading()).flags
    assert DATES[0] in of_source(spec("append", incremental_key="at", **empty), DATABASE).flags


def test_a_full_refresh_replaces_and_reads_from_its_start() -> None:
    """The strategy is passed on, as Bruin does; ingestr replaces."""
    load = of_source(spec("append", incremental_key="at", full_refresh=True), DATABASE)
    assert load.strategy == "replace"
    assert "--full-refresh" in load.flags


def test_columns_are_enforced_only_if_asked_for() -> None:
    """A date that is the key is always told."""
    columns = (*KEY, Column(name="d", type="date"))
    assert flags(spec(columns=columns)) == ["--primary-key", "Id"]
    enforced = spec(columns=columns, parameters={"enforce_schema": "true"})
    assert flags(enforced)[-2:] == ["--columns", "Id:int,d:date"]
    by_date = spec("append", incremental_key="d", columns=columns)
    assert flags(by_date)[-2:] == ["--columns", "d:date"]


def test_lists_become_json() -> None:
    """Where the target has none."""
    assert flags(spec(), Reading(lists=["l"], bounded=False)) == ["--columns", "l:json"]


def test_partitions_come_from_either_place() -> None:
    """Not from both, if they differ."""
    wanted = ["--partition-by", "d", "--cluster-by", "a,b"]
    assert flags(spec(partition_by="d", cluster_by=("a", "b"))) == wanted
    with pytest.raises(StepFailed, match="partition_by"):
        flags(spec(partition_by="d", parameters={"partition_by": "e"}))


def test_parameters_and_masks_are_passed_on() -> None:
    """Lists joined, switches only when they are on."""
    parameters = {"sql_exclude_columns": ["a", "b"], "page_size": 10, "trim_whitespace": True}
    asset = spec(parameters=parameters, columns=(Column(name="e", type="text", mask="hash"),))
    wanted = ["--page-size", "10", "--sql-exclude-columns", "a,b", "--trim-whitespace"]
    assert flags(asset) == [*wanted, "--mask", "e:hash"]


@pytest.mark.parametrize(
    ("asset", "words"),
    [
        (spec("delete+insert"), "needs materialization.incremental_key"),
        (spec("scd2_by_time"), "no strategy 'scd2_by_time'"),
        (spec("create+replace", incremental_key="at"), "needs a strategy"),
    ],
)
def test_what_cannot_be_is_refused(asset: AssetSpec, words: str) -> None:
    """With what to write instead."""
    with pytest.raises(StepFailed, match=words):
        of_source(asset, DATABASE)


def test_a_seed_enforces_its_columns_in_snake_case() -> None:
    """And has no interval."""
    columns = (*KEY, Column(name="Full Name", type="varchar"))
    load = of_seed(spec(columns=columns))
    assert list(load.flags) == ["--primary-key", "id", "--columns", "id:int,full_name:text"]
    assert load.typed == ("id",)
    plain = of_seed(spec(columns=columns, parameters={"enforce_schema": False}))
    assert list(plain.flags) == ["--primary-key", "id"]
