"""SQL assets and checks on the ClickHouse engine, through the driver that workers use."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assets_parser.model import Check, Column, CustomCheck, ForeignKey
from assets_parser.spec import AssetSpec
from tests.support import clickhouse
from tests.support.sql_assets import rows, run
from tests.support.tables import Target
from workers import sensor_step
from workers.engines import opened
from workers.errors import StepFailed

KEY = (
    Column(name="id", type="Int64", primary_key=True),
    Column(name="v", type="Nullable(String)", update_on_merge=True),
)
THREE = """
    SELECT number + 1 AS id, ['a@x.io', 'b@x.io', NULL][number + 1] AS mail,
    [5, 7, NULL][number + 1] AS n, [true, true, NULL][number + 1] AS ok,
    ['it\\'s', 'a\\\\b', NULL][number + 1] AS q, [1, 1, 2][number + 1] AS "order"
    FROM numbers(3)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[clickhouse.Server]:
    """One engine for this module."""
    with clickhouse.running() as running:
        yield running


@pytest.fixture
def target(server: clickhouse.Server, tmp_path: Path) -> Target:
    """An empty database."""
    return server.target(tmp_path)


def values(*pairs: tuple[int | None, str]) -> str:
    """A query that gives rows of `id` and `v`."""
    found = [
        f"SELECT CAST({'NULL' if key is None else key} AS Nullable(Int64)) AS id, '{text}' AS v"
        for key, text in pairs
    ]
    return " UNION ALL ".join(found)


def test_create_replace_makes_the_table_anew(target: Target) -> None:
    run(target, "SELECT 1 AS a")
    run(target, "SELECT 2 AS b, 'x' AS c;", columns=(Column(name="b", primary_key=True),))
    assert rows(target) == [(2, "x")]
    assert rows(target, "SHOW TABLES FROM shop") == [("orders",)]


def test_a_query_that_fails_leaves_the_table(target: Target) -> None:
    run(target, "SELECT 1 AS a")
    for strategy in ("", "truncate+insert", "append"):
        with pytest.raises(StepFailed, match="nowhere"):
            run(target, "SELECT * FROM shop.nowhere", strategy)
    assert rows(target) == [(1,)]


def test_a_view(target: Target) -> None:
    run(target, "SELECT 1 AS a", kind="view")
    run(target, "SELECT 2 AS a", kind="view")
    assert rows(target) == [(2,)]


def test_a_script_of_several_statements(target: Target) -> None:
    script = """
        CREATE DATABASE shop; CREATE TABLE shop.orders (a Int8) ENGINE = Memory;
        -- two
        INSERT INTO shop.orders SELECT 1; INSERT INTO shop.orders SELECT 2;
    """
    run(target, script, kind="")
    assert rows(target) == [(1,), (2,)]


def test_append_makes_the_table_and_adds_by_name(target: Target) -> None:
    run(target, "SELECT 1 AS a, 'x' AS b", "append")
    run(target, "SELECT 'y' AS b, 2 AS a", "append")
    assert rows(target) == [(1, "x"), (2, "y")]


def test_truncate_insert_keeps_the_definition(target: Target) -> None:
    run(target, values((1, "a"), (2, "b")), columns=KEY)
    run(target, values((3, "c")), "truncate+insert")
    assert rows(target) == [(3, "c")]
    assert "ORDER BY (id)" in rows(target, "SHOW CREATE TABLE shop.orders")[0][0]


def test_delete_insert_replaces_its_keys_also_null(target: Target) -> None:
    run(target, values((1, "a"), (2, "b"), (None, "n")))
    new = values((2, "B"), (3, "c"), (None, "N"))
    for _ in range(2):
        run(target, new, "delete+insert", incremental_key="id")
        assert rows(target) == [(1, "a"), (2, "B"), (3, "c"), (None, "N")]


def test_merge_replaces_rows_of_known_keys(target: Target) -> None:
    run(target, values((1, "a"), (2, "b")), columns=KEY)
    for _ in range(2):
        run(target, values((2, "B"), (3, "c")), "merge", columns=KEY)
        assert rows(target) == [(1, "a"), (2, "B"), (3, "c")]
    with pytest.raises(StepFailed, match="several rows for one primary key"):
        run(target, values((1, "b"), (1, "c")), "merge", columns=KEY)
    assert rows(target) == [(1, "a"), (2, "B"), (3, "c")]


@pytest.mark.parametrize("kind", ["DateTime", "DateTime64(6)"])
@pytest.mark.parametrize("granularity", ["date", "timestamp"])
def test_time_interval_replaces_the_interval(target: Target, kind: str, granularity: str) -> None:
    moment = f"CAST('{{}}' AS {kind}) AS t, {{}} AS v"
    old = f"SELECT {moment} UNION ALL SELECT {moment}"
    run(target, old.format("2023-12-31 10:00:00", 1, "2024-01-01 23:00:00", 2))
    given = {"incremental_key": "t", "time_granularity": granularity}
    new = f"SELECT {moment}".format("2024-01-01 12:00:00", 3)
    run(target, new, "time_interval", **given)
    assert [row[1] for row in rows(target)] == [1, 3]


def test_ddl_makes_an_empty_table_with_comments(target: Target) -> None:
    columns = (
        Column(name="id", type="Int64", primary_key=True, description="it's the key"),
        Column(name="order", type="Decimal", precision=10, scale=2),
    )
    for _ in range(2):
        run(target, "", "ddl", columns=columns)
    text = rows(target, "SHOW CREATE TABLE shop.orders")[0][0]
    assert "COMMENT 'it\\'s the key'" in text
    assert "`order` Decimal(10, 2)" in text


def test_a_sensor_waits_for_a_table(target: Target) -> None:
    spec = AssetSpec(
        pipeline="shop",
        name="waits",
        type="clickhouse.sensor.table",
        path="assets/waits.asset.yml",
        steps=("sensor",),
        connection="db",
        parameters={"table": "shop.orders"},
    )
    with pytest.raises(StepFailed, match="not satisfied"):
        sensor_step.run(target.context(spec, "sensor", {}))
    run(target, "SELECT 1 AS a")
    assert sensor_step.run(target.context(spec, "sensor", {})).result["passed"]


def test_history_is_refused(target: Target) -> None:
    with pytest.raises(StepFailed, match="without transactions"):
        run(target, values((1, "a")), "scd2_by_column", columns=KEY)


@pytest.mark.parametrize(
    ("column", "check", "value", "wrong"),
    [
        ("id", "not_null", None, 0),
        ("mail", "not_null", None, 1),
        ("id", "unique", None, 0),
        ("order", "unique", None, 1),
        ("n", "positive", None, 0),
        ("n", "negative", None, 2),
        ("n", "min", 6, 1),
        ("n", "max", 7, 0),
        ("mail", "min", "b", 1),
        ("mail", "accepted_values", ["a@x.io", "b@x.io"], 0),
        ("mail", "accepted_values", ["a@x.io"], 1),
        ("q", "accepted_values", ["it's", "a\\b"], 0),
        ("n", "accepted_values", [5, 7], 0),
        ("ok", "accepted_values", ["true"], 0),
        ("mail", "pattern", "^[a-z]@x[.]io$", 0),
        ("mail", "pattern", "^a", 1),
        ("ORDER", "not_null", None, 0),
    ],
)
def test_checks(target: Target, column: str, check: str, value: Any, wrong: int) -> None:
    run(target, THREE)
    asked = Column(name=column, checks=(Check(name=check, value=value),))
    (outcome,) = target.check(columns=(asked,)).values()
    assert (outcome.passed, outcome.observed) == (wrong == 0, str(wrong)), outcome


def test_custom_checks_and_relationships(target: Target) -> None:
    run(target, THREE)
    with opened(target.connection, write=True) as database:
        database.execute("CREATE TABLE shop.parents ENGINE = Memory AS SELECT 1 AS key")
    key = ForeignKey(table="shop.parents", column="key")
    column = Column(name="order", checks=(Check(name="relationships"),), foreign_key=key)
    checks = (
        CustomCheck(name="sum", query="select sum(n) from shop.orders;", value=12),
        CustomCheck(name="rows", query="select 1 from shop.orders -- all\n;", count=3),
        CustomCheck(name="bad", query="select nowhere"),
    )
    found = target.check(columns=(column,), custom_checks=checks)
    assert {name: outcome.passed for name, outcome in found.items()} == {
        "order:relationships": False,
        "custom:sum": True,
        "custom:rows": True,
        "custom:bad": False,
    }
    assert "nowhere" in found["custom:bad"].message
