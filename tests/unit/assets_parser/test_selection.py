"""Which assets a run takes, and why not the others."""

from pathlib import Path

import pytest

from assets_parser.model import Pipeline
from assets_parser.selection import Selection, SelectionError, select
from tests.support.pipelines import asset, pipeline


@pytest.fixture
def shop() -> Pipeline:
    return pipeline(
        asset("shop.a", tags=("raw",)),
        asset("shop.b", "shop.a", tags=("mart",)),
        asset("shop.c", "shop.b", tags=("mart", "slow")),
        asset("shop.d", "~shop.c", tags=("slow",), enabled=False),
    )


def _names(shop: Pipeline, **fields: object) -> list[str]:
    return [one.name for one in select(shop, Selection(**fields)).assets]  # type: ignore[arg-type]


def _refusal(shop: Pipeline, **fields: object) -> str:
    with pytest.raises(SelectionError) as caught:
        select(shop, Selection(**fields))  # type: ignore[arg-type]
    return str(caught.value)


def test_without_any_wish_all_but_the_disabled_run(shop: Pipeline) -> None:
    selected = select(shop)
    assert [one.name for one in selected.assets] == ["shop.a", "shop.b", "shop.c"]
    assert [(one.asset, one.reason) for one in selected.skipped] == [
        ("shop.d", "is disabled (enabled: false)")
    ]


def test_an_asset_is_found_by_name_and_by_file(shop: Pipeline, tmp_path: Path) -> None:
    assert _names(shop, assets=("shop.b",)) == ["shop.b"]
    assert _names(shop, assets=("assets/shop/b.py", "shop.a")) == ["shop.a", "shop.b"]
    rooted = pipeline(*shop.assets, root=str(tmp_path))
    assert _names(rooted, assets=(str(tmp_path / "assets/shop/b.py"),)) == ["shop.b"]
    assert _names(rooted, assets=("b.py",), base=str(tmp_path / "assets/shop")) == ["shop.b"]
    assert _names(rooted, assets=("../a.py",), base=str(tmp_path / "assets/shop/x")) == ["shop.a"]


def test_a_name_is_found_in_any_case_unless_two_assets_fit(shop: Pipeline) -> None:
    """As in Bruin; the exact name comes first."""
    assert _names(shop, assets=("SHOP.B",)) == ["shop.b"]
    both = pipeline(asset("shop.a"), asset("Shop.A"))
    assert _names(both, assets=("Shop.A",)) == ["Shop.A"]
    assert "no asset 'SHOP.A'" in _refusal(both, assets=("SHOP.A",))


def test_downstream_goes_over_symbolic_edges_too(shop: Pipeline) -> None:
    selected = select(shop, Selection(assets=("shop.b",), downstream=True))
    assert [one.name for one in selected.assets] == ["shop.b", "shop.c"]
    reasons = {one.asset: one.reason for one in selected.skipped}
    assert reasons == {"shop.a": "not selected", "shop.d": "is disabled (enabled: false)"}


def test_tags_choose_and_excluded_tags_take_away(shop: Pipeline) -> None:
    assert _names(shop, tags=("mart",)) == ["shop.b", "shop.c"]
    assert _names(shop, tags=("mart",), exclude_tags=("slow",)) == ["shop.b"]
    assert _names(shop, exclude_tags=("slow",)) == ["shop.a", "shop.b"]
    assert _names(shop, tags=("raw",), exclude_tags=("raw",)) == []


def test_a_wrong_name_is_answered_with_the_nearest(shop: Pipeline) -> None:
    assert "no asset 'shop.bb' (did you mean 'shop.b'?)" in _refusal(shop, assets=("shop.bb",))
    assert "did you mean 'assets/shop/b.py'?" in _refusal(shop, assets=("assets/shop/bb.py",))


def test_all_wrong_names_are_reported_together(shop: Pipeline) -> None:
    text = _refusal(shop, assets=("x.x", "y.y", "shop.a"))
    assert "'x.x'" in text
    assert "'y.y'" in text


def test_a_tag_that_nobody_has_is_refused_with_its_case(shop: Pipeline) -> None:
    assert "no asset has the tag 'SLOW' (did you mean 'slow'?)" in _refusal(shop, tags=("SLOW",))
    assert "'zz'" in _refusal(shop, exclude_tags=("zz",))


def test_contradictions_are_refused(shop: Pipeline) -> None:
    assert "--downstream needs an asset" in _refusal(shop, downstream=True)
    assert "--tag" in _refusal(shop, assets=("shop.a",), tags=("raw",))
    assert "--downstream" in _refusal(shop, assets=("shop.a",), exclude_tags=("slow",))
    assert _names(shop, assets=("shop.a",), exclude_tags=("slow",), downstream=True) == [
        "shop.a",
        "shop.b",
    ]


def test_a_selector_takes_symbolic_edges_but_no_disabled_assets(shop: Pipeline) -> None:
    assert _names(shop, selector="shop.b+") == ["shop.b", "shop.c"]
    assert _names(shop, selector="tag:mart", exclude_tags=("slow",)) == ["shop.b"]


def test_a_selector_that_matches_nothing_is_refused(shop: Pipeline) -> None:
    assert "matches no asset" in _refusal(shop, selector="nothing.here")
    assert "--selector: no selector method 'x'" in _refusal(shop, selector="x:y")


def test_a_word_of_the_selector_that_nothing_fits_is_noticed(shop: Pipeline) -> None:
    found = select(shop, Selection(selector="shop.a shop.aa"))
    assert found.notices == ("nothing fits 'shop.aa' of the selector",)


@pytest.mark.parametrize(
    "fields",
    [
        {"tags": ("mart",)},
        {"downstream": True},
        {"assets": ("shop.a",)},
        {"modified": frozenset()},
        {"single_check": "x"},
    ],
)
def test_a_selector_stands_alone(shop: Pipeline, fields: dict[str, object]) -> None:
    assert "--selector cannot be used together" in _refusal(shop, selector="shop.a", **fields)


def test_only_what_changed_runs_with_its_downstream_if_wanted(shop: Pipeline) -> None:
    changed = frozenset({"assets/shop/a.py", "README.md"})
    assert _names(shop, modified=changed) == ["shop.a"]
    assert _names(shop, modified=changed, downstream=True) == ["shop.a", "shop.b", "shop.c"]
    assert _names(shop, modified=changed, assets=("shop.b",)) == []
    assert _names(shop, modified=frozenset()) == []


def test_a_seeds_data_is_the_seed_too() -> None:
    seed = asset(
        "raw.s",
        type="duckdb.seed",
        path="flow/assets/s.asset.yml",
        body_path="",
        parameters={"path": "../data/s.csv"},
    )
    found = pipeline(seed)
    assert _names(found, assets=("flow/data/s.csv",)) == ["raw.s"]
    assert _names(found, modified=frozenset({"flow/data/s.csv"})) == ["raw.s"]
