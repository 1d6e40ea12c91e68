"""What SQL assets become, as text, without any database."""

from typing import Any

import pytest

from assets_parser.model import Column, Hooks, Materialization
from assets_parser.spec import AssetSpec
from workers.sql.bodies import body, parts
from workers.sql.scripts import BadAsset, Facts, Script
from workers.sql.strategies import script

KEY = Column(name="id", type="integer", primary_key=True)
NAME = Column(name="name", type="varchar", update_on_merge=True)
HISTORY = ("id", "name", "_valid_from", "_valid_until", "_is_current")


def spec(strategy: str = "", query: str = "select 1 as id", **given: Any) -> AssetSpec:
    """An asset of that strategy."""
    words = {"incremental_key", "incremental_predicate", "time_granularity"}
    details = {word: given.pop(word) for word in words & set(given)}
    form = Materialization(type=given.pop("form", "table"), strategy=strategy, **details)
    return AssetSpec(
        pipeline="shop",
        name=given.pop("name", "shop.t"),
        type=given.pop("type", "duckdb.sql"),
        path="a.sql",
        steps=("query",),
        materialization=form,
        query=query,
        query_line=given.pop("line", 0),
        interval_start="2024-01-01T00:00:00+00:00",
        interval_end="2024-01-31T23:59:59.999999+00:00",
        **given,
    )


def texts(asset: AssetSpec, facts: Facts | None = None) -> list[str]:
    """The statements without those of the transaction and the schema."""
    frame = ("BEGIN", "COMMIT", "CREATE SCHEMA")
    return [text for text in script(asset, facts).statements if not text.startswith(frame)]


def test_a_script_is_left_alone() -> None:
    query = "create table x as select 1;\nselect 2"
    assert script(spec(form="", query=query)) == script(spec(form="", query=query))
    assert script(spec(form="", query=query)).statements == (query,)


def test_a_table_is_made_anew_in_one_transaction() -> None:
    assert script(spec()).statements == (
        "BEGIN",
        'CREATE SCHEMA IF NOT EXISTS "shop"',
        'DROP TABLE IF EXISTS "shop"."t"',
        'CREATE TABLE "shop"."t" AS\nselect 1 as id',
        "COMMIT",
    )


def test_on_postgres_the_schema_is_made_before_so_that_no_asset_waits_for_another() -> None:
    made = script(spec(type="pg.sql"))
    assert made.schema == 'CREATE SCHEMA IF NOT EXISTS "shop"'
    assert made.statements[:2] == (made.schema, "BEGIN")


def test_a_hook_finds_the_schema_made() -> None:
    hooks = Hooks(pre=("create table shop.x (a int)",), post=("select 1",))
    made = script(spec(hooks=hooks)).statements
    assert made[0] == 'CREATE SCHEMA IF NOT EXISTS "shop"'
    assert (made[1], made[2], made[-1]) == (hooks.pre[0], "BEGIN", "select 1")


def test_a_name_without_a_schema_needs_none() -> None:
    assert not any("SCHEMA" in text for text in script(spec(name="t")).statements)


@pytest.mark.parametrize("strategy", ["append", "merge", "delete+insert", "truncate+insert"])
def test_a_full_refresh_makes_any_table_anew(strategy: str) -> None:
    asset = spec(strategy, columns=(KEY, NAME), incremental_key="id", full_refresh=True)
    assert texts(asset) == texts(spec())


def test_a_full_refresh_leaves_a_ddl_table_alone() -> None:
    asset = spec("ddl", query="", columns=(KEY,), full_refresh=True)
    assert texts(asset)[0].startswith("CREATE TABLE IF NOT EXISTS")


def test_trailing_comments_and_semicolons_end_no_statement_of_ours() -> None:
    (_, made) = texts(spec(query="select 1 as a -- one\n; -- done\n"))
    assert made == 'CREATE TABLE "shop"."t" AS\nselect 1 as a -- one'


@pytest.mark.parametrize(
    "query",
    [
        "with x as (select 1) select * from x",
        "values (1)",
        "(select 1) union all (select 2)",
        "from t",
        "/* all */ select ';' as s",
    ],
)
def test_what_gives_rows_is_the_query_wherever_it_stands(query: str) -> None:
    found = body(
        f"set x = 1; {query}; with y as (select 1) insert into z select * from y", "duckdb"
    )
    assert found.query.text.strip() == query
    assert (len(found.setup), len(found.after)) == (1, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no query"),
        ("-- nothing", "there is no query"),
        ("select 1; select 2", "2 statements are queries"),
        ("create table x (a int); drop table x", "none of the 2 statements"),
        ("begin; select 1; commit", "begin|BEGIN stands beside the query"),
    ],
)
def test_a_body_that_gives_no_table_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadAsset, match=said):
        body(text, "postgres")


def test_each_part_of_a_script_knows_its_line() -> None:
    found = parts("-- a\nselect 1;\n\n\nselect 2;\n-- end", "duckdb")
    lines = "-- a\nselect 1;\n\n\nselect 2;\n-- end".splitlines()
    for part in found:
        assert lines[part.line].startswith(part.text.splitlines()[0])


def test_a_line_of_a_statement_is_a_line_of_the_file() -> None:
    asset = spec(query="\n\nset x = 1;\nselect 1\nfrom t", line=10)
    made = script(asset).main[-1]
    lines = made.text.splitlines()
    assert made.line_of(lines.index("from t") + 1) == 14
    assert made.line_of(1) == 0


def test_rows_go_to_columns_by_name() -> None:
    facts = Facts(existing=("id", "Name"), produced=("NAME", "id"))
    (made,) = texts(spec("append"), facts)
    assert made.startswith('INSERT INTO "shop"."t" ("Name", "id")\n')


def test_expressions_without_a_name_go_by_position() -> None:
    facts = Facts(existing=("id", "name", "n"), produced=("id", "upper"))
    (made,) = texts(spec("append"), facts)
    assert made.startswith('INSERT INTO "shop"."t" ("id", "name")\n')


@pytest.mark.parametrize("produced", [("name", "x"), ("id", "name", "x"), ("id", "id")])
def test_values_in_the_wrong_columns_are_refused(produced: tuple[str, ...]) -> None:
    with pytest.raises(BadAsset, match="the query gives"):
        script(spec("append"), Facts(existing=("id", "name"), produced=produced))


def test_delete_insert_asks_for_the_key_in_each_tables_own_writing() -> None:
    facts = Facts(existing=("id", "d"), produced=("ID", "D"))
    deleted = texts(spec("delete+insert", incremental_key="d"), facts)[1]
    assert deleted.startswith('DELETE FROM "shop"."t" WHERE "d" IN (SELECT "D" FROM ')


def test_merge_on_postgres_joins_by_equality_and_looks_at_nulls_apart() -> None:
    asset = spec("merge", type="pg.sql", columns=(KEY, NAME))
    made = "\n".join(texts(asset, Facts(existing=("id", "name"), produced=("id", "name"))))
    assert 'WHERE source."id" IS NOT NULL AND target."id" = source."id"' in made
    assert 'WHERE (source."id" IS NULL)' in made
    assert "DISTINCT" not in made


def test_merge_leaves_out_what_nobody_declared_and_the_table_lacks() -> None:
    facts = Facts(existing=("id", "name"), produced=("id", "name", "extra"))
    made = "\n".join(texts(spec("merge", columns=(KEY, NAME)), facts))
    assert "extra" not in made


def test_merge_misses_a_declared_column() -> None:
    facts = Facts(existing=("id",), produced=("id", "name"))
    with pytest.raises(BadAsset, match="has no column"):
        script(spec("merge", columns=(KEY, NAME)), facts)


def test_an_interval_of_days_ends_before_the_next_day() -> None:
    asset = spec("time_interval", incremental_key="d", time_granularity="date")
    assert texts(asset)[0] == (
        """DELETE FROM "shop"."t" WHERE "d" >= '2024-01-01' AND "d" < '2024-02-01'"""
    )


def test_an_interval_is_that_of_the_templates() -> None:
    environment = {"BRUIN_START_DATE": "2023-02-28", "BRUIN_END_DATE": "2023-02-28"}
    more = {"incremental_key": "d", "time_granularity": "date", "environment": environment}
    assert texts(spec("time_interval", **more))[0].endswith(
        """"d" >= '2023-02-28' AND "d" < '2023-03-01'"""
    )


def test_history_is_written_without_a_statement_that_old_versions_lack() -> None:
    facts = Facts(existing=HISTORY, produced=("id", "name"))
    for strategy in ("scd2_by_column", "scd2_by_time"):
        asset = spec(strategy, type="pg.sql", columns=(KEY, NAME), incremental_key="name")
        assert not any("MERGE" in text for text in texts(asset, facts))


def test_the_history_refuses_columns_that_the_table_lacks() -> None:
    facts = Facts(existing=HISTORY, produced=("id", "name", "x"))
    with pytest.raises(BadAsset, match="has no column x"):
        script(spec("scd2_by_column", columns=(KEY, NAME)), facts)


def test_the_session_gets_its_zone_back_behind_the_history() -> None:
    made = script(spec("scd2_by_column", columns=(KEY, NAME)))
    assert [one.text for one in made.finish] == ["RESET TimeZone"]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({"type": "decimal", "precision": 10, "scale": 2}, "decimal(10, 2)"),
        ({"type": "decimal", "precision": 10}, "decimal(10)"),
        ({"type": "varchar", "length": 5}, "varchar(5)"),
        ({"type": "varchar(9)", "length": 5}, "varchar(9)"),
        ({"type": "text", "collation": "C", "nullable": False}, 'text COLLATE "C" NOT NULL'),
        ({"type": "int", "default": "0"}, "int DEFAULT 0"),
    ],
)
def test_ddl_writes_a_column_as_declared(given: dict[str, Any], written: str) -> None:
    (made,) = texts(spec("ddl", query="", columns=(Column(name="c", **given),)))
    assert made == f'CREATE TABLE IF NOT EXISTS "shop"."t" (\n  "c" {written}\n)'


def test_names_are_quoted_so_that_no_text_leaves_its_place() -> None:
    column = Column(name='a" int); drop table x; --', type="int", description="it's; drop")
    made = texts(spec("ddl", query="", name='shop.a"b', columns=(column,)))
    assert '"a"" int); drop table x; --" int' in made[0]
    assert made[1].endswith("IS 'it''s; drop'")


@pytest.mark.parametrize(
    ("annotations", "said"), [("{", "not JSON"), ("[1]", "not a JSON object"), ("3", "not a JSON")]
)
def test_annotations_that_are_no_object_are_refused(annotations: str, said: str) -> None:
    with pytest.raises(BadAsset, match=said):
        script(spec(), query_annotations=annotations)


def test_annotations_stand_before_each_statement_and_cannot_leave_their_line() -> None:
    made: Script = script(spec(), query_annotations='{"a": "x\\n; drop table t"}')
    for one in (*made.setup, *made.main):
        first, _, rest = one.text.partition("\n")
        assert first.startswith('-- @bruin.config: {"a":"x\\n; drop table t","asset":"shop.t"')
        assert not rest.startswith(";")


@pytest.mark.parametrize(
    ("asset", "said"),
    [
        (spec("upsert"), "upsert"),
        (spec("datavault_hub"), "datavault_hub needs a hash key column"),
        (spec("merge"), "primary_key"),
        (spec("scd2_by_time", columns=(KEY,)), "incremental_key"),
        (spec("delete+insert"), "incremental_key"),
        (spec("time_interval", incremental_key="d"), "time_granularity"),
        (spec("ddl", query=""), "needs `columns`"),
        (spec("ddl", query="", columns=(Column(name="a"),)), "needs a type"),
        (spec(type="nosuch.sql"), r"nosuch\.sql"),
    ],
)
def test_what_cannot_be_written_is_told(asset: AssetSpec, said: str) -> None:
    with pytest.raises(BadAsset, match=said):
        script(asset)
