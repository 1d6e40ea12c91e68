"""One check alone, by Bruin's id or by ours."""

from dataclasses import replace

import pytest

from assets_parser import single_check
from assets_parser.model import Asset, Check, Column, CustomCheck, Pipeline
from assets_parser.plan import build
from assets_parser.selection import Selection, SelectionError, select
from tests.support.pipelines import asset, options, pipeline

WHO_NOT_NULL = "e062fc804f222df8e084f2df6cb5656ee2e0d8e5e3cf76bb27448b00c8abe641"  # of Bruin's CLI
ANY_ROWS = "2a2a2f59a2262e6e2b648370ae4f42eeb102706697d90ad83e608c748952f3d3"


def _asset(name: str, **fields: object) -> Asset:
    column = Column(name="who", checks=(Check(name="not_null"), Check(name="unique")))
    custom = CustomCheck(name="any rows", query="select 1")
    return asset(name, columns=(column,), custom_checks=(custom,), **fields)


@pytest.fixture
def shop() -> Pipeline:
    return pipeline(
        _asset("shop.a", lines={"name": 2}), _asset("shop.b", lines={"type": 2}), _asset("shop.c")
    )


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (WHO_NOT_NULL, "shop.a:who:not_null"),
        (ANY_ROWS, "shop.a:custom:any_rows"),
        ("shop.b:who:unique", "shop.b:who:unique"),
        ("shop.b:custom:any_rows", "shop.b:custom:any_rows"),
        (single_check._hash("shop.b-who-unique"), "shop.b:who:unique"),
    ],
)
def test_a_check_is_found_by_each_of_its_ids(shop: Pipeline, wanted: str, found: str) -> None:
    assert single_check.find(shop, wanted).id == found


def test_bruins_id_of_an_asset_named_by_its_path_needs_the_asset(shop: Pipeline) -> None:
    nameless = single_check._hash("-who-unique")
    with pytest.raises(SelectionError, match=r"2 checks have the id .*shop\.b:who:unique"):
        single_check.find(shop, nameless)
    assert single_check.find(shop, nameless, ("shop.c",)).asset == "shop.c"


def test_an_unknown_id_is_answered_with_the_nearest(shop: Pipeline) -> None:
    with pytest.raises(SelectionError, match=r"did you mean 'shop\.a:who:unique'"):
        single_check.find(shop, "shop.a:who:uniqe", ("shop.a",))
    with pytest.raises(SelectionError, match="no check has the id"):
        single_check.find(shop, WHO_NOT_NULL, ("shop.b",))


def test_the_plan_of_a_single_check_asks_nothing_else(shop: Pipeline) -> None:
    plan = build(shop, options(single_check=WHO_NOT_NULL), Selection(single_check=WHO_NOT_NULL))
    [spec] = plan.assets
    assert (spec.name, spec.steps, spec.custom_checks) == ("shop.a", ("checks",), ())
    assert [check.name for check in spec.columns[0].checks] == ["not_null"]


def test_a_check_that_was_asked_for_is_made_whatever_tags_say(shop: Pipeline) -> None:
    """Else nothing is asked, and the exit code says that all is well."""
    other = pipeline(_asset("shop.d", tags=("x",)))
    both = replace(shop, assets=(*shop.assets, *other.assets))
    for wanted in (Selection(tags=("x",)), Selection(exclude_tags=("x",))):
        chosen = select(both, replace(wanted, single_check=WHO_NOT_NULL))
        assert [asset.name for asset in chosen.assets] == ["shop.a"]


def test_a_check_is_one_of_one_asset(shop: Pipeline) -> None:
    with pytest.raises(SelectionError, match="--single-check asks one check"):
        select(shop, Selection(single_check=WHO_NOT_NULL, assets=("shop.a", "shop.b")))
