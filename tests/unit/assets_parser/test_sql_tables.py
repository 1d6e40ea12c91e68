"""The statements of a script and the tables that it reads."""

import pytest

from assets_parser.sql_tables import (
    dialect_of,
    reads,
    references_of,
    statements,
)


def names(sql: str, dialect: str) -> set[str]:
    """The tables that a script reads."""
    return {one.name for one in reads(sql, dialect)}


SCRIPT = """\
-- first; comment
create table "a;b" as select 'x;''y' as c, e'it\\';' as d, $$ a; b $$;
select 1 /* ; /* ; */ ; */ + 2 -- tail ;
;; /* only a comment */ ;
insert into x values ($t$ ;$$; $t$)
"""


def test_a_script_is_split_at_its_semicolons_only() -> None:
    assert statements(SCRIPT, "postgres") == (
        "-- first; comment\n"
        "create table \"a;b\" as select 'x;''y' as c, e'it\\';' as d, $$ a; b $$",
        "select 1 /* ; /* ; */ ; */ + 2 -- tail ;",
        "insert into x values ($t$ ;$$; $t$)",
    )


@pytest.mark.parametrize("text", ["", " \n", ";", "-- nothing", "/* ; */;;"])
def test_a_script_without_a_statement_has_none(text: str) -> None:
    assert statements(text, "duckdb") == ()


@pytest.mark.parametrize(
    "statement",
    [
        "create function f() begin atomic select 1; select case 1 when 1 then 2 end; end",
        "create rule r as on insert to t do also (insert into x values (1); select 2)",
        "create trigger t after insert on x begin update y set a = 1; delete from z; end",
        "create procedure p() begin if a then select 1; end if; select 2; end",
    ],
)
def test_the_body_of_a_routine_stays_whole(statement: str) -> None:
    assert statements(f"{statement}; select 3;", "postgres") == (statement, "select 3")


def test_begin_and_end_of_a_transaction_are_statements() -> None:
    assert statements("begin; select case when true then 1 end; end;") == (
        "begin",
        "select case when true then 1 end",
        "end",
    )


def test_a_string_that_is_never_closed_reaches_to_the_end() -> None:
    assert statements("select 1; select 'a; b") == ("select 1", "select 'a; b")


def test_a_platform_or_asset_type_names_its_dialect() -> None:
    words = ["pg.sql", "duckdb.sensor.query", "motherduck", "google_cloud_platform", "ms.sql"]
    assert [dialect_of(word) for word in words] == [
        "postgres",
        "duckdb",
        "duckdb",
        "bigquery",
        "tsql",
    ]
    assert dialect_of("python") == ""


SQL = """\
with a as (select * from raw.x), orders as (select * from orders)
select raw.x.n from a join "Sales"."b" using (n), orders, read_csv('f.csv')
where exists (select 1 from mart.c) and s = 'from mart.no' -- from mart.no
"""


@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
def test_the_tables_that_a_query_reads_are_found_by_syntax(dialect: str) -> None:
    assert names(SQL, dialect) == {"raw.x", "orders", "Sales.b", "mart.c"}


def test_tables_that_a_script_writes_or_makes_are_not_read() -> None:
    script = """
    create temp table t as select * from r.s; insert into w.w select * from t;
    update u.u set x = (select 1 from v.v); delete from d.d where y; truncate k.k;
    create view o.o as with recursive z as (select 1 union all select * from z) select * from z;
    """
    assert names(script, "postgres") == {"r.s", "v.v"}


def test_a_statement_that_cannot_be_parsed_is_read_word_by_word() -> None:
    script = 'select 1 from a.a; no sql at all from "b"."b" - c.c.n \'d.d\' -- e.e'
    assert names(script, "duckdb") >= {"a.a", "b.b", "c.c", "c.c.n"}
    assert not names(script, "duckdb") & {"d.d", "e.e"}


def test_each_place_knows_where_its_schema_stands() -> None:
    sql = 'select 1; select * from raw.a, "R""s"."b", db.x.y, z'
    places = {one.name: sql[one.schema_at :][:3] for one in references_of(sql, "duckdb")}
    assert places == {"raw.a": "raw", 'R"s.b': 'R""', "db.x.y": "x.y", "z": "z"}


@pytest.mark.parametrize(
    "text",
    [
        "select " + "array[" * 40 + "1" + "]" * 40,
        "select " + "(" * 5_000,
        "select * from " + "(select * from " * 3_000,
        "select '" + "x" * 300_000,
        "with " + ",".join(f"a{i} as (select * from a{i - 1})" for i in range(2_000)) + " select 1",
    ],
    ids=["array", "parentheses", "subqueries", "long", "with"],
)
def test_hostile_sql_has_an_answer(text: str) -> None:
    assert isinstance(reads(text, "duckdb"), tuple)
