"""The statements of a script and the tables that it reads."""

import pytest

from assets_parser.sql_tables import dialect_of, statements, strip_trailing

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


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("select 1 -- x\n ; -- y ;\n /* z */ ;", "select 1"),
        ("-- why\nselect ';' ;", "-- why\nselect ';'"),
        ("-- only this", ""),
    ],
)
def test_what_follows_the_last_statement_is_stripped(text: str, stripped: str) -> None:
    assert strip_trailing(text, "duckdb") == stripped


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
