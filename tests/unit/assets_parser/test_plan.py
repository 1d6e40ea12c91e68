"""Plans: their levels, and what stops or leaves out an asset."""

import pytest

from assets_parser.faults import DefinitionError
from assets_parser.model import Check, Column, CustomCheck, ForeignKey
from assets_parser.plan import Surroundings, build
from assets_parser.selection import Selection
from assets_parser.spec import Plan, Skipped
from tests.support.pipelines import asset, options, pipeline

_CHECKED = (Column(name="id", checks=(Check(name="not_null"),)),)


def _levels(plan: Plan) -> list[list[str]]:
    return [[spec.name for spec in level] for level in plan.levels]


def test_levels_hold_the_selected_assets_by_longest_path() -> None:
    shop = pipeline(asset("a"), asset("b", "a"), asset("c", "a", "b"), asset("d"), asset("e", "~c"))
    assert _levels(build(shop, options())) == [["a", "d", "e"], ["b"], ["c"]]


def test_a_left_out_upstream_counts_as_done() -> None:
    shop = pipeline(asset("a"), asset("b", "a", enabled=False), asset("c", "b"))
    plan = build(shop, options())
    assert _levels(plan) == [["a", "c"]]
    assert plan.assets[1].upstreams == ()
    assert plan.skipped == (Skipped(asset="b", reason="is disabled (enabled: false)"),)


def test_only_checks_asks_all_tables_at_once_and_skips_what_has_no_checks() -> None:
    shop = pipeline(asset("a", columns=_CHECKED), asset("b", "a", columns=_CHECKED), asset("c"))
    plan = build(shop, options(only=("checks",)))
    assert _levels(plan) == [["a", "b"]]
    assert all(spec.upstreams == () for spec in plan.assets)
    assert plan.skipped == (Skipped(asset="c", reason="has no checks (--only checks)"),)


def test_other_types_cannot_run_yet_unless_they_are_left_out() -> None:
    shop = pipeline(asset("a", type="bq.sql"), asset("b", "a"), asset("c", type="dbt"))
    with pytest.raises(DefinitionError) as caught:
        build(shop, options())
    assert [fault.message for fault in caught.value.faults] == [
        "type 'bq.sql' cannot run yet",
        "type 'dbt' cannot run yet",
    ]
    assert _levels(build(shop, options(), Selection(assets=("b",)))) == [["b"]]


def test_a_stream_stops_the_plan_unless_it_is_left_out() -> None:
    endless = asset("a", type="ingestr", parameters={"stream": True}, lines={"parameters": 4})
    shop = pipeline(endless, asset("b"))
    with pytest.raises(DefinitionError, match="'stream' asks for changes without an end") as caught:
        build(shop, options())
    assert [fault.line for fault in caught.value.faults] == [4]
    assert _levels(build(shop, options(), Selection(assets=("b",)))) == [["b"]]


def test_a_template_that_no_variant_filled_in_stops_the_run() -> None:
    with pytest.raises(DefinitionError, match="--variant"):
        build(pipeline(asset("a", enabled="{{ var.on }}")), options())


def test_cycles_stop_a_run_even_without_validation() -> None:
    with pytest.raises(DefinitionError, match="a -> b -> a"):
        build(pipeline(asset("a", "b"), asset("b", "a")), options())


def test_an_asset_comes_after_those_whose_tables_its_checks_read() -> None:
    query = 'select count(*) from "raw"."orders" where not exists (select 1 from mart.total)'
    total = asset("mart.total", custom_checks=(CustomCheck(name="x", query=query),))
    key = Column(
        name="c", foreign_key=ForeignKey(table="mart.total"), checks=(Check(name="relationships"),)
    )
    plan = build(pipeline(total, asset("raw.orders"), asset("z", columns=(key,))), options())
    assert _levels(plan) == [["raw.orders"], ["mart.total"], ["z"]]
    assert all(spec.upstreams == () for spec in plan.assets)


def test_a_check_that_reads_a_descendant_makes_no_cycle() -> None:
    first = asset("a.a", custom_checks=(CustomCheck(name="x", query="select 1 from b.b"),))
    assert _levels(build(pipeline(first, asset("b.b", "a.a")), options())) == [["a.a"], ["b.b"]]


def test_templates_that_cannot_be_rendered_are_reported_together() -> None:
    broken = (CustomCheck(name="x", query="select {{ nothing }}"),)
    shop = pipeline(
        asset("a", custom_checks=broken), asset("b", parameters={"x": "{{ start_dat }}"})
    )
    with pytest.raises(DefinitionError) as caught:
        build(shop, options())
    assert [(fault.rule, fault.asset) for fault in caught.value.faults] == [
        ("template", "a"),
        ("template", "b"),
    ]
    assert caught.value.faults[1].hint == "did you mean 'start_date'?"


def test_a_schema_prefix_renames_assets_edges_and_foreign_keys() -> None:
    key = Column(name="c", foreign_key=ForeignKey(table="raw.a", column="id"))
    shop = pipeline(asset("raw.a"), asset("x.mart.b", "raw.a", columns=(key,)), asset("plain"))
    around = Surroundings(schema_prefix="st_", commit="abc")
    plan = build(shop, options(), Selection(assets=("raw.a", "x.mart.b")), surroundings=around)
    assert _levels(plan) == [["st_raw.a"], ["x.st_mart.b"]]
    b = plan.assets[1]
    assert b.upstreams == ("st_raw.a",)
    assert b.columns[0].foreign_key == ForeignKey(table="st_raw.a", column="id")
    assert b.environment["BRUIN_ASSET"] == "x.st_mart.b"
    assert b.environment["BRUIN_SCHEMA_PREFIX"] == "st_"
    assert b.environment["BRUIN_COMMIT_HASH"] == "abc"


def test_a_query_that_cannot_be_rendered_fails_its_asset_and_no_other() -> None:
    """As with Bruin, which renders each asset when its turn comes; here it is told at once."""
    broken = asset(
        "a", type="duckdb.sql", body="select {{ var.nothing }}", body_path="assets/a.sql"
    )
    plan = build(pipeline(broken, asset("b")), options())
    [fault] = plan.faults
    assert "'nothing'" in fault.message
    first, second = plan.levels[0]
    assert first.fault == str(fault)
    assert second.fault == ""


def test_a_check_that_cannot_be_rendered_fails_alone() -> None:
    checks = (
        CustomCheck(name="broken", query="select {{ nothing }}"),
        CustomCheck(name="whole", query="select 0"),
    )
    plan = build(pipeline(asset("a", custom_checks=checks)), options())
    assert [bool(check.fault) for check in plan.levels[0][0].custom_checks] == [True, False]
    assert plan.levels[0][0].fault == ""
    assert len(plan.faults) == 1
