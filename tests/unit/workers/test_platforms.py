"""The check queries of every platform are SQL that its own grammar takes."""

import pytest
import sqlglot
from sqlglot import exp

from workers.engine_urls import _TYPES
from workers.sql import dialects, queries, shapes

# The platform's connection type, and what sqlglot calls its grammar.
GRAMMARS = {
    "athena": "athena",
    "clickhouse": "clickhouse",
    "databricks": "databricks",
    "doris": "doris",
    "duckdb": "duckdb",
    "fabric": "fabric",
    "google_cloud_platform": "bigquery",
    "motherduck": "duckdb",
    "mssql": "tsql",
    "mysql": "mysql",
    "oracle": "oracle",
    "postgres": "postgres",
    "redshift": "redshift",
    "snowflake": "snowflake",
    "sqlite": "sqlite",
    "starrocks": "starrocks",
    "synapse": "tsql",
    "trino": "trino",
}
CHECKS = {
    "accepted_values": ["a", "it's", "a\\b", 2.0, True],
    "max": "2024-01-31",
    "min": 1.5,
    "negative": None,
    "non_negative": None,
    "not_null": None,
    "pattern": "^[a-z']+\\.csv$",
    "positive": None,
    "relationships": None,
    "unique": None,
}
TEXTS = ["it's", "back\\slash", "\\'", "a\nb", "100%", 'say "hi"', "-- no", "; drop table x", "é日"]

platform = pytest.mark.parametrize("platform", sorted(GRAMMARS))


def parsed(platform: str, query: str) -> exp.Expression:
    """The one statement that the platform's grammar reads."""
    (statement,) = sqlglot.parse(query, read=GRAMMARS[platform])
    assert statement is not None
    assert not list(statement.find_all(exp.Command))
    return statement


def measure(platform: str, check: str) -> queries.Measure:
    """The check's measure on the column `order`."""
    dialect = dialects.of(platform)
    parent = f"SELECT {dialect.identifier('key')} FROM {dialect.table(('raw', 'group'))}"
    column = dialect.identifier("order")
    return queries.measure(dialect, check, column, CHECKS[check], parent=parent)


@platform
@pytest.mark.parametrize("check", sorted(CHECKS))
def test_each_check_is_one_select_of_one_number(platform: str, check: str) -> None:
    table = dialects.of(platform).table(("raw", "select"))
    found = parsed(platform, queries.single(table, measure(platform, check)))
    assert isinstance(found, exp.Select)
    assert len(found.expressions) == 1
    (named, *_) = found.find_all(exp.Table)
    assert (named.db, named.name) == ("raw", "select")
    assert "order" in {column.name for column in found.find_all(exp.Column)}


@platform
def test_all_checks_of_a_table_are_one_scan(platform: str) -> None:
    measures = [measure(platform, check) for check in sorted(CHECKS)]
    table = dialects.of(platform).table(("raw", "select"))
    found = parsed(platform, queries.combined(table, measures))
    assert isinstance(found, exp.Select)
    assert len(found.expressions) == len(CHECKS)


@platform
@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_read_back_as_it_was(platform: str, text: str) -> None:
    found = parsed(platform, f"SELECT {dialects.of(platform).literal(text)}")
    (literal,) = found.find_all(exp.Literal)
    assert (literal.is_string, literal.this) == (True, text)


@platform
def test_a_count_wraps_the_users_query(platform: str) -> None:
    query = "SELECT a FROM t WHERE b = 1 -- all\n;"
    found = parsed(platform, queries.counted(query, dialects.of(platform)))
    assert isinstance(found, exp.Select)
    assert len(list(found.find_all(exp.Select))) == 2


@pytest.mark.parametrize("platform", sorted(GRAMMARS.keys() - {"sqlite"}))  # it has a pragma
@pytest.mark.parametrize("parts", [("t",), ("raw", "t"), ("shop", "raw", "t")])
def test_the_columns_of_a_table_are_asked_for_by_name(
    platform: str, parts: tuple[str, ...]
) -> None:
    found = parsed(platform, shapes.columns(dialects.of(platform), parts))
    assert isinstance(found, exp.Select)
    assert len(found.expressions) == 4
    texts = {literal.this for literal in found.find_all(exp.Literal)}
    assert texts >= {"t"}
    assert platform == "google_cloud_platform" or texts >= set(parts[-2:])


def test_bigquery_has_an_information_schema_per_dataset() -> None:
    found = shapes.columns(dialects.of("google_cloud_platform"), ("shop", "raw", "t"))
    assert "FROM `shop`.`raw`.INFORMATION_SCHEMA.columns" in found


def test_numbers_do_not_overflow_on_sql_server() -> None:
    assert "COUNT_BIG(CASE" in measure("mssql", "positive").selected
    assert measure("mssql", "unique").selected.count("COUNT_BIG(") == 2


def test_booleans_are_numbers_on_some_platforms() -> None:
    assert dialects.of("mysql").boolean(True) == ["true", "1"]
    assert dialects.of("postgres").boolean(False) == ["false"]


@platform
def test_whatever_has_checks_has_an_address(platform: str) -> None:
    assert platform in _TYPES
