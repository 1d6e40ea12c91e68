"""SQL assets on a real MariaDB server: each strategy leaves the rows that it promises."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assets_parser.model import Column, Hooks
from tests.support import mariadb
from tests.support.sql_assets import rows, run
from tests.support.tables import Target
from workers.errors import StepFailed

KEY = (
    Column(name="id", type="int", primary_key=True),
    Column(name="v", type="varchar(10)", update_on_merge=True),
)


@pytest.fixture(scope="module")
def server() -> Iterator[mariadb.Server]:
    """One MariaDB for this module."""
    with mariadb.running() as running:
        yield running


@pytest.fixture
def target(server: mariadb.Server, tmp_path: Path) -> Target:
    """An empty database."""
    return server.target(tmp_path)


def values(*pairs: tuple[int | None, str | None]) -> str:
    """A query that gives rows of `id` and `v`; a bare literal would make a column NOT NULL."""
    found = [
        f"SELECT {'NULL' if key is None else key} AS id, "
        f"{'NULL' if text is None else f'NULLIF({text!r}, QUOTE(1))'} AS v"
        for key, text in pairs
    ]
    return " UNION ALL ".join(found)


def test_create_replace_makes_the_table_anew(target: Target) -> None:
    assert run(target, "SELECT 1 AS a")["rows"] == 1
    assert run(target, "SELECT 2 AS b, 'x' AS c; ")["rows"] == 1
    assert rows(target) == [(2, "x")]
    assert rows(target, "SHOW TABLES IN shop") == [("orders",)]


def test_a_query_that_fails_leaves_the_table(target: Target) -> None:
    run(target, "SELECT 1 AS a")
    with pytest.raises(StepFailed, match="nowhere"):
        run(target, "SELECT * FROM shop.nowhere")
    assert rows(target) == [(1,)]


def test_a_view(target: Target) -> None:
    run(target, "SELECT 1 AS a", kind="view")
    run(target, "SELECT 2 AS a", kind="view")
    assert rows(target) == [(2,)]


def test_a_script_of_several_statements(target: Target) -> None:
    script = """
        CREATE DATABASE shop; CREATE TABLE shop.orders (a INT);
        -- two
        INSERT INTO shop.orders VALUES (1), (2);
    """
    run(target, script, kind="")
    assert rows(target) == [(1,), (2,)]


def test_a_later_statement_of_a_script_fails_the_asset(target: Target) -> None:
    with pytest.raises(StepFailed, match="nowhere"):
        run(target, "SELECT 1; SELECT * FROM shop.nowhere; SELECT 2", kind="")


def test_append_makes_the_table_and_adds_by_name(target: Target) -> None:
    run(target, "SELECT 1 AS a, 'x' AS b", "append")
    assert run(target, "SELECT 'y' AS b, 2 AS a", "append")["rows"] == 1
    assert rows(target) == [(1, "x"), (2, "y")]


def test_delete_insert_replaces_its_keys_also_null(target: Target) -> None:
    run(target, values((1, "a"), (2, "b"), (None, "n")))
    new = values((2, "B"), (3, "c"), (None, "N"))
    run(target, new, "delete+insert", incremental_key="id")
    assert rows(target) == [(None, "N"), (1, "a"), (2, "B"), (3, "c")]


def test_truncate_insert_keeps_the_table_when_it_fails(target: Target) -> None:
    run(target, values((1, "a")))
    run(target, values((2, "b")), "truncate+insert")
    assert rows(target) == [(2, "b")]
    with pytest.raises(StepFailed):
        run(target, "SELECT 1 AS id, (SELECT 1 UNION SELECT 2) AS v", "truncate+insert")
    assert rows(target) == [(2, "b")]


def test_merge_updates_known_keys_and_inserts_new_ones(target: Target) -> None:
    run(target, values((1, "a"), (2, "b"), (None, "n")))
    new = values((2, "B"), (3, "c"), (None, "N"))
    run(target, new, "merge", columns=KEY)
    assert rows(target) == [(None, "N"), (1, "a"), (2, "B"), (3, "c")]


def test_merge_with_an_expression_of_its_own(target: Target) -> None:
    columns = (KEY[0], Column(name="v", type="int", merge_sql="target.v + source.v"))
    run(target, "SELECT 1 AS id, 10 AS v")
    run(target, "SELECT 1 AS id, 5 AS v", "merge", columns=columns)
    assert rows(target) == [(1, 15)]


def test_merge_refuses_two_rows_of_one_key(target: Target) -> None:
    run(target, values((1, "a")))
    with pytest.raises(StepFailed, match="several rows for one primary key"):
        run(target, values((1, "b"), (1, "c")), "merge", columns=KEY)
    assert rows(target) == [(1, "a")]


@pytest.mark.parametrize("granularity", ["date", "timestamp"])
def test_time_interval_replaces_the_interval(target: Target, granularity: str) -> None:
    old = """
        SELECT CAST('2023-12-31 10:00' AS DATETIME) AS t, 1 AS v
        UNION ALL SELECT '2024-01-01 23:00', 2
    """
    run(target, old)
    given = {"incremental_key": "t", "time_granularity": granularity}
    run(
        target, "SELECT CAST('2024-01-01 12:00' AS DATETIME) AS t, 3 AS v", "time_interval", **given
    )
    assert [row[1] for row in rows(target)] == [1, 3]


def test_ddl_makes_an_empty_table_with_comments(target: Target) -> None:
    columns = (
        Column(name="id", type="int", primary_key=True, description="it's the key"),
        Column(name="order", type="decimal", precision=10, scale=2, nullable=False),
    )
    run(target, "", "ddl", columns=columns)
    run(target, "", "ddl", columns=columns)
    text = rows(target, "SHOW CREATE TABLE shop.orders")[0][1]
    assert "COMMENT 'it''s the key'" in text
    assert "`order` decimal(10,2) NOT NULL" in text
    assert "PRIMARY KEY (`id`)" in text


def test_history_is_kept(target: Target) -> None:
    """A change, a change to NULL, a row that vanishes and one that comes back."""
    columns = (KEY[0], Column(name="v", type="varchar(10)"))
    run(target, values((1, "a"), (2, "b")), "scd2_by_column", columns=columns, full_refresh=True)
    run(target, values((1, None), (3, "c")), "scd2_by_column", columns=columns)
    run(target, values((1, None), (2, "b")), "scd2_by_column", columns=columns)
    query = """
        SELECT id, v, _is_current, _valid_until < '9000-01-01'
        FROM shop.orders ORDER BY id, _valid_from
    """
    assert rows(target, query) == [
        (1, "a", 0, 1),
        (1, None, 1, 0),
        (2, "b", 0, 1),
        (2, "b", 1, 0),
        (3, "c", 0, 1),
    ]
    gaps = """
        SELECT COUNT(*) FROM shop.orders a JOIN shop.orders b
        ON a.id = 1 AND b.id = 1 AND NOT a._is_current AND b._is_current
        AND a._valid_until = b._valid_from
    """
    assert rows(target, gaps) == [(1,)]


def test_history_by_time(target: Target) -> None:
    columns = (KEY[0], Column(name="t", type="datetime"))
    given: dict[str, Any] = {"columns": columns, "incremental_key": "t"}
    run(
        target,
        "SELECT 1 AS id, CAST('2024-01-01' AS DATETIME) AS t",
        "scd2_by_time",
        full_refresh=True,
        **given,
    )
    run(target, "SELECT 1 AS id, CAST('2024-02-01' AS DATETIME) AS t", "scd2_by_time", **given)
    query = """
        SELECT CAST(_valid_from AS CHAR(10)), CAST(_valid_until AS CHAR(10))
        FROM shop.orders ORDER BY 1
    """
    assert rows(target, query) == [("2024-01-01", "2024-02-01"), ("2024-02-01", "9999-12-31")]


def test_hooks_run_around_the_query(target: Target) -> None:
    target.execute("CREATE DATABASE shop", "CREATE TABLE shop.log (a INT)")
    hooks = Hooks(
        pre=("INSERT INTO shop.log VALUES (1)",),
        post=("INSERT INTO shop.log SELECT a + 1 FROM shop.orders",),
    )
    run(target, "SELECT a FROM shop.log", hooks=hooks)
    assert rows(target, "SELECT a FROM shop.log ORDER BY a") == [(1,), (2,)]


def test_a_stop_ends_the_query(target: Target) -> None:
    target.stop.reason = None
    target.execute("CREATE DATABASE shop")  # the time may be over before the asset makes it
    with pytest.raises(StepFailed) as failure:
        run(target, "SELECT BENCHMARK(10000000000, SHA2('a', 512)) AS a", timeout=0.5)
    assert failure.value.kind == "timeout"
    assert rows(target, "SHOW TABLES IN shop LIKE 'orders'") == []
