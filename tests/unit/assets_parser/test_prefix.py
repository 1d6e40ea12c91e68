"""A schema prefix in names, SQL and checks."""

from assets_parser.model import CustomCheck, Hooks
from assets_parser.plan import Surroundings, build
from assets_parser.prefix import with_prefixed_tables
from assets_parser.selection import Selection
from assets_parser.spec import AssetSpec
from tests.support.pipelines import asset, options, pipeline

_AROUND = Surroundings(schema_prefix="st_")


def _prefixed(sql: str, dialect: str = "duckdb") -> str:
    wanted = {"raw.a", "db.raw.c"}
    return with_prefixed_tables(sql, "st_", lambda name: name.lower() in wanted, dialect)


def test_only_the_wanted_tables_get_the_prefix_and_no_other_sign_changes() -> None:
    sql = 'select raw.a.n, \'raw.a\'  from Raw.A -- raw.a\njoin "raw"."b", db."raw".c;'
    assert _prefixed(sql) == (
        'select st_raw.a.n, \'raw.a\'  from st_Raw.A -- raw.a\njoin "raw"."b", db."st_raw".c;'
    )


def test_a_column_of_an_alias_that_looks_like_the_table_stays() -> None:
    assert _prefixed("select raw.a from x.y raw") == "select raw.a from x.y raw"


def test_a_script_that_cannot_be_parsed_is_changed_by_its_names() -> None:
    assert _prefixed("no sql raw.a.n - raw.b") == "no sql st_raw.a.n - raw.b"


def _specs(*names: str) -> dict[str, AssetSpec]:
    check = CustomCheck(name="one", query="select count(*) from shop.b, raw.src")
    shop = pipeline(
        asset("raw.a", type="duckdb.sql", body="select 1 as n"),
        asset("raw.src", type="duckdb.source"),
        asset(
            "shop.b",
            "raw.a",
            type="duckdb.sql",
            body="select n, '{{ this }}' as t from raw.a join raw.src using (n)",
            hooks=Hooks(post=("insert into raw.a select * from shop.b",)),
            custom_checks=(check,),
        ),
        asset("bare", "raw.a", type="duckdb.sql", body="select n from raw.a"),
    )
    plan = build(shop, options(), Selection(assets=names), surroundings=_AROUND)
    return {spec.name: spec for spec in plan.assets}


def test_sql_and_checks_use_the_prefixed_tables_that_the_run_makes() -> None:
    specs = _specs()
    shop = specs["st_shop.b"]
    assert shop.query == "select n, 'st_shop.b' as t from st_raw.a join raw.src using (n)"
    assert shop.hooks.post == ("insert into st_raw.a select * from st_shop.b",)
    assert shop.custom_checks[0].query == "select count(*) from st_shop.b, raw.src"
    assert specs["bare"].query == "select n from st_raw.a"


def test_what_the_run_does_not_make_is_left_for_the_worker_to_look_up() -> None:
    shop = _specs("shop.b", "bare")["st_shop.b"]
    assert shop.query == "select n, 'st_shop.b' as t from raw.a join raw.src using (n)"
    assert shop.custom_checks[0].query == "select count(*) from st_shop.b, raw.src"
