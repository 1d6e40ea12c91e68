"""Order edges from what SQL and checks read: they delay, and nothing else."""

from assets_parser.model import Asset, CustomCheck, Hooks
from assets_parser.plan import build
from assets_parser.spec import Plan
from tests.support.pipelines import asset, options, pipeline


def _sql(name: str, body: str, *depends: str, **fields: object) -> Asset:
    return asset(name, *depends, type="duckdb.sql", body=body, **fields)


def _levels(plan: Plan) -> list[list[str]]:
    return [[spec.name for spec in level] for level in plan.levels]


def test_a_query_waits_for_the_undeclared_tables_that_it_reads() -> None:
    shop = pipeline(
        _sql("mart.a", "select * from RAW.b join x using (id)"), _sql("raw.b", "select 1")
    )
    plan = build(shop, options())
    assert _levels(plan) == [["raw.b"], ["mart.a"]]
    assert all(spec.upstreams == () for spec in plan.assets)


def test_hooks_count_and_texts_and_comments_do_not() -> None:
    hooks = Hooks(pre=("delete from log.x; insert into log.x select * from raw.b",))
    shop = pipeline(
        _sql("mart.a", "select 'from raw.c' -- from raw.c", hooks=hooks),
        _sql("raw.b", "select 1"),
        _sql("raw.c", "select 1"),
        _sql("log.x", "select 1"),
    )
    assert _levels(build(shop, options())) == [["raw.b", "raw.c", "log.x"], ["mart.a"]]


def test_an_edge_that_would_close_a_cycle_is_dropped() -> None:
    shop = pipeline(_sql("a.a", "select * from b.b"), _sql("b.b", "select * from a.a", "a.a"))
    assert _levels(build(shop, options())) == [["a.a"], ["b.b"]]


def test_a_query_never_waits_for_a_symbolic_dependency() -> None:
    shop = pipeline(_sql("a.a", "select * from b.b", "~b.b"), _sql("b.b", "select 1"))
    assert _levels(build(shop, options())) == [["a.a", "b.b"]]


def test_a_check_waits_for_a_table_also_if_its_dependency_is_symbolic() -> None:
    check = CustomCheck(name="x", query="select count(*) from b.b")
    shop = pipeline(
        _sql("a.a", "select 1", "~b.b", custom_checks=(check,)), _sql("b.b", "select 1")
    )
    assert _levels(build(shop, options())) == [["b.b"], ["a.a"]]


def test_a_check_that_cannot_be_parsed_still_waits_for_what_it_names() -> None:
    check = CustomCheck(name="x", query="whatever this says of b.b and its rows")
    shop = pipeline(asset("a.a", custom_checks=(check,)), asset("b.b"))
    assert _levels(build(shop, options())) == [["b.b"], ["a.a"]]


def _reading(name: str, *tables: str, **fields: object) -> Asset:
    checks = (CustomCheck(name="x", query=f"select count(*) from {t}") for t in tables)
    return asset(name, custom_checks=tuple(checks), **fields)


def test_assets_whose_checks_read_each_other_share_a_level_and_their_checks_wait() -> None:
    shop = pipeline(_reading("a.a", "b.b"), _reading("b.b", "c.c"), _reading("c.c", "a.a"))
    plan = build(shop, options())
    assert _levels(plan) == [["a.a", "b.b", "c.c"]]
    assert [spec.checks_after for spec in plan.assets] == [("b.b",), ("c.c",), ("a.a",)]


def test_a_check_never_waits_for_what_comes_after_its_asset() -> None:
    """It would wait for ever; with Bruin it fails too, unless an earlier run left the table."""
    shop = pipeline(_reading("a.a", "c.c"), asset("b.b", "a.a"), asset("c.c", "b.b"))
    plan = build(shop, options())
    assert _levels(plan) == [["a.a"], ["b.b"], ["c.c"]]
    assert not any(spec.checks_after for spec in plan.assets)
