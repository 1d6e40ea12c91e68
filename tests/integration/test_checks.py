"""Checks on real databases: each engine, passing, failing and broken."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets_parser.model import Check, Column, CustomCheck, ForeignKey
from tests.support import mariadb, tables, warehouse
from tests.support.tables import Target
from workers.errors import StepFailed

DATA = pa.table(
    {
        "id": [1, 2, 3],
        "mail": ["a@x.io", "b@x.io", None],
        "n": [5, 7, None],
        "g": [-1, -2, None],
        "f": [1.5, 2.0, None],
        "q": ["it's", "a\\b", None],
        "CustomerName": ["Ada", "Bob", "Cyd"],
        "order": [1, 1, 2],
    }
)


@pytest.fixture(scope="module")
def server() -> Iterator[warehouse.Server]:
    """One PostgreSQL for this module."""
    with warehouse.running() as running:
        yield running


@pytest.fixture(scope="module")
def mysql() -> Iterator[mariadb.Server]:
    """One MariaDB for this module."""
    with mariadb.running() as running:
        yield running


@pytest.fixture(scope="module", params=["duckdb", "sqlite", "postgres", "mysql"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Target:
    """A database of each engine that holds the table shop.orders."""
    folder = tmp_path_factory.mktemp(str(request.param))
    if request.param in ("postgres", "mysql"):
        fixture = "server" if request.param == "postgres" else "mysql"
        made: Target = request.getfixturevalue(fixture).target(folder)
    else:
        made = getattr(tables, request.param)(folder)
    made.load(DATA)
    made.load(pa.table({"key": [1, 2]}), name="shop.parents")
    return made


def ask(target: Target, column: str, check: str, value: Any = None, **more: Any) -> Any:
    """The outcome of one column check."""
    asked = Column(name=column, checks=(Check(name=check, value=value),), **more)
    (outcome,) = target.check(columns=(asked,)).values()
    return outcome


@pytest.mark.parametrize(
    ("column", "check", "value"),
    [
        ("id", "not_null", None),
        ("id", "unique", None),
        ("mail", "unique", None),
        ("n", "positive", None),
        ("n", "non_negative", None),
        ("g", "negative", None),
        ("n", "min", 5),
        ("n", "max", 7),
        ("f", "min", 1.5),
        ("mail", "min", "a"),
        ("mail", "accepted_values", ["a@x.io", "b@x.io"]),
        ("q", "accepted_values", ["it's", "a\\b"]),
        ("n", "accepted_values", [5, 7]),
        ("f", "accepted_values", [1.5, 2]),
        ("f", "accepted_values", ["1.5", "2.0", "2"]),
        ("mail", "pattern", "^[a-z]@x[.]io$"),
        ("CustomerName", "not_null", None),
        ("customer_name", "not_null", None),
        ("MAIL", "unique", None),
        ("order", "not_null", None),
    ],
)
def test_checks_that_hold(target: Target, column: str, check: str, value: Any) -> None:
    """Nulls break only not_null; names and values are quoted; names are found in any spelling."""
    outcome = ask(target, column, check, value)
    assert outcome.passed, outcome
    assert outcome.observed == "0"


@pytest.mark.parametrize(
    ("column", "check", "value", "rows", "words"),
    [
        ("mail", "not_null", None, 1, "has 1 null value"),
        ("order", "unique", None, 1, "1 value that repeats another"),
        ("g", "positive", None, 2, "2 values that are not positive"),
        ("g", "non_negative", None, 2, "2 negative values"),
        ("n", "negative", None, 2, "2 values that are not negative"),
        ("n", "min", 6, 1, "1 value below 6"),
        ("n", "max", 6, 1, "1 value above 6"),
        ("mail", "accepted_values", ["a@x.io"], 1, "outside the accepted values a@x.io"),
        ("mail", "pattern", "^a.*", 1, "1 value that does not match the pattern '^a.*'"),
    ],
)
def test_checks_that_fail(
    target: Target, column: str, check: str, value: Any, rows: int, words: str
) -> None:
    """The outcome counts the rows, says it in words and holds the query."""
    outcome = ask(target, column, check, value)
    assert not outcome.passed
    assert (outcome.observed, outcome.expected) == (str(rows), "0")
    assert words in outcome.message
    assert outcome.query.startswith("SELECT ")


def test_the_query_can_be_pasted(target: Target) -> None:
    """What a failed check shows gives the number that it observed."""
    from workers.engines import opened

    outcome = ask(target, "q", "accepted_values", ["it's"])
    with opened(target.connection) as database:
        assert str(database.row(outcome.query)[0]) == outcome.observed == "1"


def test_relationships(target: Target) -> None:
    """Keys that the other table lacks are counted, nulls are not."""
    key = ForeignKey(table="shop.parents", column="key")
    assert ask(target, "order", "relationships", foreign_key=key).passed
    outcome = ask(target, "id", "relationships", foreign_key=key)
    assert outcome.message == "column 'id' has 1 value that is not in shop.parents.key"


def test_a_relation_to_nowhere_says_so(target: Target) -> None:
    """A parent that is missing is named."""
    outcome = ask(
        target, "id", "relationships", foreign_key=ForeignKey(table="shop.no", column="key")
    )
    assert "there is no table shop.no" in outcome.message


def test_one_broken_check_does_not_hide_the_others(target: Target) -> None:
    """The common scan fails; then each is asked alone."""
    columns = (
        Column(name="mail", checks=(Check(name="not_null"), Check(name="unique"))),
        Column(name="q", checks=(Check(name="pattern", value="(unclosed"),)),
        Column(name="absent", checks=(Check(name="not_null"),)),
    )
    found = target.check(columns=columns)
    assert {name: outcome.passed for name, outcome in found.items()} == {
        "mail:not_null": False,
        "mail:unique": True,
        "q:pattern": False,
        "absent:not_null": False,
    }
    assert "no column 'absent'" in found["absent:not_null"].message
    assert "failed" in found["q:pattern"].message


def test_a_missing_table_says_so(target: Target) -> None:
    """Each check of a table that does not exist fails with its name."""
    columns = (Column(name="id", checks=(Check(name="not_null"),)),)
    found = target.check(name="shop.nowhere", columns=columns)
    assert "there is no table shop.nowhere" in found["id:not_null"].message


@pytest.mark.parametrize(
    ("query", "given", "passed", "observed"),
    [
        ("select count(*) from shop.orders", {"value": 3}, True, "3"),
        ("select count(*) from shop.orders; ", {"value": 3}, True, "3"),
        ("select count(*) from shop.orders", {"value": 4}, False, "3"),
        ("select 0", {}, True, "0"),
        ("select id from shop.orders", {"count": 3}, True, "3"),
        ("select id from shop.orders -- all\n;", {"count": 2}, False, "3"),
        ("select 1 = 1", {"value": 1}, True, "1"),
        ("select cast(3.0 as decimal(5,1))", {"value": 3}, True, None),
        ("select 3.7", {"value": 3}, False, "3.7"),
        ("select '3'", {"value": 3}, True, "3"),
        ("select max(id) from shop.orders where id > 99", {}, False, "NULL"),
        ("select id from shop.orders where id > 99", {}, False, "no row"),
        ("select 0, 0", {}, False, "2 columns"),
        ("select id from shop.orders", {}, False, "more than one row"),
        (
            "select count(*) from shop.orders where mail like '%x%' and ':a' <> ''",
            {"value": 2},
            True,
            "2",
        ),
    ],
)
def test_custom_checks(
    target: Target, query: str, given: dict[str, int], passed: bool, observed: str | None
) -> None:
    """One value is compared exactly; anything else fails and says what came."""
    check = CustomCheck(name="My Check", query=query, **given)
    outcome = target.check(custom_checks=(check,))["custom:my_check"]
    assert outcome.passed is passed, outcome
    assert observed is None or outcome.observed == observed


def test_queries_are_annotated_for_the_servers_own_logs(
    server: warehouse.Server, tmp_path: Path
) -> None:
    target = server.target(tmp_path)
    target.options = replace(target.options, query_annotations='{"team": "sales"}')
    query = "select count(*) from pg_stat_activity where pid = pg_backend_pid() and query like "
    check = CustomCheck(
        name="own", query=f"""{query} '-- @bruin.config: {{%"team":"sales"%'""", value=1
    )
    assert target.check(custom_checks=(check,))["custom:own"].passed


def test_a_custom_check_that_fails_shows_the_database_error(target: Target) -> None:
    """The engine's own words, without an address."""
    check = CustomCheck(name="broken", query="select * from nowhere")
    outcome = target.check(custom_checks=(check,))["custom:broken"]
    assert not outcome.passed
    assert "nowhere" in outcome.message


def test_blocking_is_kept(target: Target) -> None:
    """Whether a check blocks travels with its outcome."""
    checks = (Check(name="not_null", blocking=False), Check(name="unique"))
    found = target.check(columns=(Column(name="mail", checks=checks),))
    assert [outcome.blocking for outcome in found.values()] == [False, True]


def test_a_check_that_takes_too_long_is_ended(target: Target) -> None:
    """The asset's timeout holds for its checks."""
    slow = (
        "with recursive r(n) as (select 1 union all select n + 1 from r where n < 1000000000) "
        "select count(*) from r"
    )
    if target.kind == "duckdb":
        slow = "select count(*) from range(100000000000) t(a) where a % 7 = sqrt(a)"
    if target.kind == "mysql":
        slow = "select benchmark(10000000000, sha2('a', 512))"
    with pytest.raises(StepFailed) as failure:
        target.check(custom_checks=(CustomCheck(name="slow", query=slow),), timeout=0.5)
    assert failure.value.kind == "timeout"


def test_the_schema_of_a_postgres_connection_finds_bare_names(
    server: warehouse.Server, tmp_path: Path
) -> None:
    """As search_path does; a connection that only reads refuses to write."""
    target = server.target(tmp_path)
    target.load(DATA)
    file = tmp_path / ".bruin.yml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("name: db", "name: db, schema: shop, read_only: true"), "utf-8")
    columns = (Column(name="id", checks=(Check(name="not_null"),)),)
    checks = (CustomCheck(name="count", query="select count(*) from orders", value=3),)
    found = target.check(name="orders", columns=columns, custom_checks=checks)
    assert all(outcome.passed for outcome in found.values()), found
    writes = CustomCheck(name="w", query="delete from orders returning 1")
    assert "read-only" in target.check(custom_checks=(writes,))["custom:w"].message


def test_a_result_is_read_only_as_far_as_needed(target: Target) -> None:
    """A query of a billion rows costs neither their memory nor their time."""
    numbers = "select a.id from shop.orders a" + ", shop.orders {}" * 18
    query = numbers.format(*[f"t{n}" for n in range(18)])
    found = target.check(custom_checks=(CustomCheck(name="many", query=query),), timeout=60)
    assert found["custom:many"].observed == "more than one row"
    assert target.check(custom_checks=(CustomCheck(name="a", query="select 0"),))["custom:a"].passed


def test_a_database_file_that_does_not_exist_is_an_empty_database(tmp_path: Path) -> None:
    """Bruin makes the file; asking makes none."""
    target = tables.duckdb(tmp_path)
    found = target.check(
        custom_checks=(CustomCheck(name="a", query="select 0"),),
        columns=(Column(name="id", checks=(Check(name="not_null"),)),),
    )
    assert found["custom:a"].passed
    assert "there is no table shop.orders" in found["id:not_null"].message
    assert not list(tmp_path.rglob("*.duckdb"))


def test_an_unknown_connection_names_the_known_ones(tmp_path: Path) -> None:
    """The message names what is known and the file to edit."""
    target = tables.duckdb(tmp_path)
    config = tmp_path / ".bruin.yml"
    config.write_text(config.read_text("utf-8").replace("name: db", "name: dbx"), "utf-8")
    with pytest.raises(StepFailed) as failure:
        target.check(custom_checks=(CustomCheck(name="a", query="select 0"),))
    assert "known: dbx" in failure.value.message
    assert str(config) in failure.value.hint
