"""Check queries as text, per dialect."""

import re

import pytest

from workers.sql import dialects, queries
from workers.sql.names import resolve, snake_case, table_parts
from workers.sql.queries import BadCheck, Measure

TYPES = (
    *("athena", "clickhouse", "databricks", "duckdb", "fabric", "google_cloud_platform", "mssql"),
    *("mysql", "postgres", "redshift", "snowflake", "sqlite", "synapse", "trino", "unheard_of"),
)


def condition(
    platform: str, check: str, value: object = None, column: str = "c", **more: str
) -> str:
    """The condition of a check on a column named by its quoted text."""
    dialect = dialects.of(platform)
    made = queries.measure(dialect, check, dialect.identifier(column), value, **more)
    return made.condition or made.expression


@pytest.mark.parametrize("kind", TYPES)
def test_every_platform_has_all_checks(kind: str) -> None:
    """No platform of section 5 lacks one."""
    values = {"accepted_values": ["a"], "pattern": "^a", "min": 1, "max": "x"}
    for check in ("not_null", "unique", "positive", "non_negative", "negative", *values):
        assert condition(kind, check, values.get(check))


@pytest.mark.parametrize(
    ("kind", "name", "quoted"),
    [
        ("duckdb", 'a"b', '"a""b"'),
        ("mysql", "a`b", "`a``b`"),
        ("mssql", "a]b", "[a]]b]"),
        ("google_cloud_platform", "order", "`order`"),
    ],
)
def test_identifiers(kind: str, name: str, quoted: str) -> None:
    """A quote inside a name is doubled."""
    assert dialects.of(kind).identifier(name) == quoted


@pytest.mark.parametrize(
    ("kind", "value", "literal"),
    [
        ("duckdb", "it's \\", "'it''s \\'"),
        ("mysql", "it's \\", "'it''s \\\\'"),
        ("google_cloud_platform", "it's", "'it\\'s'"),
        ("databricks", "a\nb", "'a\\nb'"),
        ("snowflake", "\\d", "'\\\\d'"),
        ("duckdb", 5, "5"),
        ("duckdb", 1.5, "1.5"),
        ("duckdb", True, "'true'"),
    ],
)
def test_literals(kind: str, value: object, literal: str) -> None:
    """Quotes are doubled, and backslashes where they are escapes."""
    assert dialects.of(kind).literal(value) == literal  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("duckdb", "\"c\" !~ '^a'"),
        ("postgres", "\"c\" !~ '^a'"),
        ("snowflake", "\"c\" NOT REGEXP '^a'"),
        ("google_cloud_platform", "NOT REGEXP_CONTAINS(`c`, '^a')"),
        ("trino", "NOT REGEXP_LIKE(\"c\", '^a')"),
        ("mssql", "[c] NOT LIKE '^a'"),
        ("mysql", "`c` NOT REGEXP '^a'"),
        ("clickhouse", "NOT match(\"c\", '^a')"),
    ],
)
def test_patterns(kind: str, expected: str) -> None:
    """Each platform has its own word for a pattern; all of them count what does not match."""
    assert condition(kind, "pattern", "^a") == expected


def test_accepted_values_are_compared_as_what_they_are() -> None:
    """Numbers with a number column, else everything as text in all its spellings."""
    assert condition("duckdb", "accepted_values", [1.5, 2], kind="DOUBLE") == '"c" NOT IN (1.5, 2)'
    found = condition("duckdb", "accepted_values", ["a", 2.0, True], kind="VARCHAR")
    assert found == "CAST(\"c\" AS VARCHAR) NOT IN ('a', '2', '2.0', 'true')"


@pytest.mark.parametrize(
    ("check", "value"),
    [("accepted_values", []), ("accepted_values", "a"), ("min", None), ("pattern", 5), ("x", 1)],
)
def test_checks_that_cannot_be_asked(check: str, value: object) -> None:
    """They say what is wrong with them."""
    with pytest.raises(BadCheck):
        condition("duckdb", check, value)


def test_booleans_are_compared_as_the_platform_keeps_them() -> None:
    """Where a boolean is a number, `true` is its 1; a text column is taken at its word."""
    found = condition("mysql", "accepted_values", ["true"], kind="tinyint(1)")
    assert found == "CAST(`c` AS CHAR) NOT IN ('true', '1')"
    found = condition("mysql", "accepted_values", ["true"], kind="text")
    assert found == "CAST(`c` AS CHAR) NOT IN ('true')"
    found = condition("postgres", "accepted_values", ["true"], kind="boolean")
    assert found == "CAST(\"c\" AS TEXT) NOT IN ('true')"


def test_one_scan_for_many() -> None:
    """Each measure is one item of the SELECT list."""
    measures = [Measure(condition='"a" IS NULL'), Measure(expression="COUNT(b)")]
    found = queries.combined('"t"', measures)
    assert found == 'SELECT COUNT(CASE WHEN "a" IS NULL THEN 1 END), COUNT(b) FROM "t"'
    assert queries.single('"t"', measures[0]) == 'SELECT COUNT(*) FROM "t" WHERE "a" IS NULL'


def test_semicolons_at_the_end_are_no_part_of_a_query() -> None:
    """A comment at the end does not swallow what is put around the query."""
    assert queries.bare(" select 1 ;\n ; ") == "select 1"
    assert re.search(r"-- c\n\) t$", queries.counted("select 1 -- c\n;"))


@pytest.mark.parametrize(
    ("name", "loaded"),
    [
        ("FirstName", "first_name"),
        ("ID", "id"),
        ("Total Amount", "total_amount"),
        ("order-no", "order_no"),
        ("HTTPServer", "http_server"),
        ("UserIDs", "user_i_ds"),
        ("1st", "_1st"),
        ("a+b", "axb"),
        ("trailing_", "trailingx"),
        ("__lead", "lead"),
        ("a__b", "a__b"),
        ("a--b", "a_b"),
        ("Ünï", "ünï"),
        ("total%", "totalx"),
        ("#tag", "_tag"),
        ("_FirstName", "_first_name"),
        ("日本", "日本"),
        ("___", "xxx"),
    ],
)
def test_names_as_the_loader_makes_them(name: str, loaded: str) -> None:
    """Each was seen in a table that ingestr 1.1.22 made."""
    assert snake_case(name) == loaded


def test_declared_names_find_real_ones() -> None:
    """Itself first, then in other case, then as the loader writes it."""
    assert resolve("id", ["ID", "id"]) == "id"
    assert resolve("Id", ["ID"]) == "ID"
    assert resolve("FirstName", ["first_name"]) == "first_name"
    assert resolve("nothing", ["first_name"]) is None


def test_table_names_are_split_at_dots() -> None:
    """Quotes keep theirs."""
    assert table_parts("a.b.c") == ("a", "b", "c")
    assert table_parts('a."b.c"') == ("a", "b.c")


def test_a_name_of_nothing_but_underscores_is_read_once() -> None:
    """A file's header may hold anything."""
    assert resolve("a", [snake_case("_" * 1_000_000)]) is None
