"""What is left of an earlier run: which assets, which of their steps, which checks."""

from dataclasses import replace
from typing import Any

import pytest

from assets_parser.check_ids import checks
from assets_parser.model import (
    Asset,
    Check,
    Column,
    CustomCheck,
    Dependency,
    Hooks,
    Materialization,
    Pipeline,
)
from assets_parser.remaining import Left, narrowed, rest, shape, unfinished, written
from assets_parser.spec import AssetSpec
from tests.support.plans import asset, plan

FULL = ("materialize", "load", "checks")
DATA = {"data": {"path": "runs/old/a.1.arrow"}}
APPEND = Materialization(type="table", strategy="append")


def spec(**fields: Any) -> AssetSpec:
    """A Python table with two checks of a column and one of its own."""
    column = Column(name="n", checks=(Check(name="not_null"), Check(name="unique")))
    own = CustomCheck(name="Sum Up", query="select 0")
    given = {"steps": FULL, "columns": (column,), "custom_checks": (own,), "source": "1"}
    return asset("a", **given | fields)


def ids(one: AssetSpec) -> list[str]:
    """The ids of the checks that it would ask."""
    return [name for name, _ in checks(one)]


def test_a_failed_first_step_leaves_all() -> None:
    assert rest(spec(), Left(spec=spec(), begun="materialize")) == spec()


def test_a_failed_load_leaves_the_load_and_what_comes_after_it() -> None:
    left = Left(spec=spec(), done=("materialize",), begun="load", given=DATA)
    found = rest(spec(), left)
    assert (found.steps, found.given) == (("load", "checks"), DATA)
    assert ids(found) == ["a:n:not_null", "a:n:unique", "a:custom:sum_up"]


def test_a_load_whose_data_is_gone_starts_over() -> None:
    left = Left(spec=spec(), done=("materialize",), begun="load", given=None)
    assert rest(spec(), left).steps == FULL


@pytest.mark.parametrize("begun", ["load", ""])
def test_a_load_that_adds_rows_goes_on_with_the_data(begun: str) -> None:
    """The database knows whether they are in it."""
    append = spec(materialization=APPEND)
    left = Left(spec=append, done=("materialize",), begun=begun, given=DATA)
    assert rest(append, left).steps == ("load", "checks")


def test_failed_checks_are_asked_alone() -> None:
    passed = frozenset({"a:n:not_null", "a:custom:sum_up"})
    left = Left(spec=spec(), done=("materialize", "load"), begun="checks", given={}, passed=passed)
    found = rest(spec(), left)
    assert (found.steps, ids(found)) == (("checks",), ["a:n:unique"])


def test_checks_that_are_new_are_asked_too() -> None:
    before = spec(custom_checks=())
    passed = frozenset({"a:n:not_null", "a:n:unique"})
    left = Left(spec=before, done=("materialize", "load"), given={}, passed=passed)
    assert ids(rest(spec(), left)) == ["a:custom:sum_up"]


def test_an_asset_whose_only_failed_check_is_gone_has_nothing_left_to_do() -> None:
    before = spec()
    left = Left(
        spec=before,
        done=("materialize", "load"),
        given={},
        passed=frozenset({"a:n:not_null", "a:n:unique"}),
    )
    assert rest(spec(custom_checks=()), left).steps == ()


@pytest.mark.parametrize(
    "change",
    [
        {"source": "2"},
        {"query": "select 2"},
        {"type": "r"},
        {"connection": "other"},
        {"parameters": {"a": 1}},
        {"materialization": APPEND},
    ],
)
def test_an_asset_that_changed_starts_over(change: dict[str, Any]) -> None:
    left = Left(spec=spec(), done=("materialize", "load"), given={}, begun="checks")
    assert rest(spec(**change), left) == spec(**change)


def test_what_changes_no_step_does_not_start_over() -> None:
    left = Left(spec=spec(), done=("materialize", "load"), given={}, begun="checks")
    assert rest(spec(tags=("new",), retries=3, timeout=5.0), left).steps == ("checks",)


def test_the_rest_of_a_rest_is_a_rest() -> None:
    before = replace(spec(), steps=("load", "checks"), given=DATA)
    left = Left(spec=before, done=(), begun="load", given=DATA)
    assert rest(spec(), left).steps == ("load", "checks")
    both = Left(spec=before, done=("load",), begun="checks", given={})
    assert rest(spec(), both).steps == ("checks",)


def test_checks_that_an_earlier_rest_did_not_ask_had_passed_before_it() -> None:
    column = Column(name="n", checks=(Check(name="unique"),))
    before = spec(steps=("checks",), columns=(column,), custom_checks=())
    left = Left(spec=before, done=(), begun="checks", given={})
    assert ids(rest(spec(), left)) == ["a:n:unique"]


def test_other_steps_than_before_start_over() -> None:
    before = spec(steps=("script", "checks"))
    assert rest(spec(), Left(spec=before, done=("script",), given={})).steps == FULL


def test_a_plan_keeps_what_is_unfinished_and_says_why_the_rest_is_left_out() -> None:
    earlier = {
        "a": Left(spec=asset("a"), over=True),
        "b": Left(spec=asset("b"), begun="script"),
        "c": Left(spec=asset("c", "b")),
        "d": Left(reason="is disabled (enabled: false)"),
        "e": Left(reason="succeeded in run first"),
    }
    assert unfinished(earlier) == ("b", "c")
    made = narrowed(plan([asset("b")], [asset("c", "b")]), earlier, "second")
    assert [one.name for one in made.assets] == ["b", "c"]
    assert {one.asset: one.reason for one in made.skipped} == {
        "a": "succeeded in run second",
        "d": "is disabled (enabled: false)",
        "e": "succeeded in run first",
    }


POST = Hooks(post=("select 1",))


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("hook", {}, "yes"),
        ("lost", {}, "perhaps"),
        ("lost", {"full_refresh": True}, ""),
        ("lost", {"materialization": Materialization(type="table", strategy="merge")}, ""),
        ("query", {"hooks": POST}, ""),
        ("config", {"hooks": POST}, ""),
        ("timeout", {}, ""),
        ("timeout", {"hooks": POST}, "perhaps"),
        ("cancelled", {"hooks": POST}, "perhaps"),
        ("query", {"type": "clickhouse.sql"}, "perhaps"),
        ("connection", {"type": "clickhouse.sql"}, ""),
        ("", {"type": "clickhouse.sql"}, ""),
    ],
)
def test_what_an_error_says_of_rows_that_were_appended(
    kind: str, fields: dict[str, Any], expected: str
) -> None:
    one = asset("a", **{"type": "pg.sql", "materialization": APPEND} | fields)
    assert written(one, "query", kind) == expected


@pytest.mark.parametrize("mark", ["yes", "perhaps"])
def test_rows_that_were_appended_are_not_appended_again_by_any_later_run(mark: Any) -> None:
    one = asset("a", type="pg.sql", materialization=APPEND, steps=("query", "checks"), source="1")
    first = rest(one, Left(spec=one, begun="query", written=mark))
    assert (first.steps, first.given) == (one.steps, {"written": mark})
    changed = replace(one, source="2", hooks=POST)
    for left in (Left(spec=first, begun="query"), Left(spec=first, begun="query", written="yes")):
        assert rest(changed, left).given == {"written": mark}
    assert not rest(replace(one, full_refresh=True), Left(spec=first)).given
    assert not rest(one, Left(spec=first, done=("query",), begun="checks", given={})).given


def test_the_plan_says_whose_rows_are_there() -> None:
    one = asset("a", type="pg.sql", materialization=APPEND, steps=("query",))
    made = narrowed(plan([one]), {"a": Left(spec=one, begun="query", written="yes")}, "first")
    assert made.notices == ("a has its rows in the table already: only its post hooks run",)


def pipeline(*assets: Asset) -> Pipeline:
    """A pipeline of these assets."""
    return Pipeline(name="shop", root="/p", path="pipeline.yml", assets=assets)


def test_the_shape_is_names_enabled_and_upstreams_in_any_order() -> None:
    a = Asset(name="a", type="python", path="a.py")
    b = Asset(name="b", type="python", path="b.py", depends=(Dependency(value="a"),))
    same = shape(pipeline(a, b))
    assert shape(pipeline(replace(b, body="x", tags=("t",)), a)) == same
    changed = [
        pipeline(a),
        pipeline(a, replace(b, name="c")),
        pipeline(a, replace(b, depends=())),
        pipeline(a, replace(b, enabled=False)),
        replace(pipeline(a, b), name="other"),
    ]
    assert same not in {shape(one) for one in changed}
