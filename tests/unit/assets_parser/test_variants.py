"""A pipeline as one of its variants."""

import pytest

from assets_parser.faults import DefinitionError
from assets_parser.model import Asset, Check, Column, CustomCheck, Dependency, Pipeline, Secret
from assets_parser.variants import filled, materialize
from tests.support.pipelines import asset, pipeline

ASSET = Asset(
    name="{{ var.region }}_shop.a",
    type="python",
    path="p/assets/a.py",
    body="print('{{ var.region }}')",
    enabled="{{ var.region == 'no' }}",
    depends=(Dependency(value="{{ var.region }}_shop.b"),),
    secrets=(Secret(key="{{ variant }}_db", inject_as="DB"),),
    parameters={"x": "{{ var.region }}"},
    columns=(Column(name="{{ var.region }}_id", checks=(Check(name="pattern", value="{{ 1 }}"),)),),
    custom_checks=(CustomCheck(name="{{ variant }}", query="select {{ var.region }}"),),
    lines={"name": 2, "enabled": 3},
)
PIPELINE = Pipeline(
    name="shop_{{ variant }}",
    root="/r",
    path="p/pipeline.yml",
    schedule="{{ 'daily' if var.region == 'no' else 'weekly' }}",
    default_connections={"duckdb": "{{ variant }}_db"},
    variables={"region": {"type": "string", "default": "eu"}},
    variants={"north": {"region": "no"}, "south": {"region": "so"}},
    assets=(ASSET,),
)


def test_the_texts_of_pipeline_and_assets_are_rendered() -> None:
    found = materialize(PIPELINE, "north", {"region": "zz"})
    asset = found.assets[0]
    assert (found.name, found.schedule) == ("shop_north", "daily")
    assert found.default_connections == {"duckdb": "north_db"}
    assert (asset.name, asset.enabled) == ("no_shop.a", True)
    assert asset.depends[0].value == "no_shop.b"
    assert asset.secrets[0].key == "north_db"
    assert asset.columns[0].name == "no_id"
    assert asset.custom_checks[0].name == "north"


def test_code_parameters_and_checks_stay() -> None:
    asset = materialize(PIPELINE, "south").assets[0]
    assert asset.enabled is False
    assert asset.body == ASSET.body
    assert asset.parameters == ASSET.parameters
    assert asset.columns[0].checks == ASSET.columns[0].checks
    assert asset.custom_checks[0].query == ASSET.custom_checks[0].query


def test_all_faults_are_told_with_their_places() -> None:
    bad = Asset(name="{{ x }}", type="python", path="a.py", enabled="{{ 7 }}", lines={"name": 2})
    broken = Pipeline(name="p", root="/", path="p", assets=(bad,), variants={"v": None})
    with pytest.raises(DefinitionError) as error:
        materialize(broken, "v")
    assert "a.py:2 error template 'x' is undefined" in str(error.value)
    assert "enabled must become true or false, not '7'" in str(error.value)


def test_an_unknown_variant_is_an_error() -> None:
    with pytest.raises(DefinitionError, match="did you mean 'north'"):
        materialize(PIPELINE, "nroth")


def test_without_variants_names_and_enabled_may_still_be_templates() -> None:
    plain = pipeline(
        asset("{{ var.schema }}.a", enabled="{{ var.on }}"),
        asset("b", "{{ var.schema }}.a", description="{{ not.looked.at }}"),
        variables={"schema": {"default": "raw"}, "on": {"default": False}},
    )
    found = filled(plain, lambda: {"on": True})
    assert [(one.name, one.enabled) for one in found.assets] == [("raw.a", True), ("b", True)]
    assert found.assets[1].depends[0].value == "raw.a"


def test_values_are_not_asked_for_where_nothing_is_a_template() -> None:
    plain = pipeline(asset("a"))
    assert filled(plain, lambda: pytest.fail("asked")) is plain


def test_a_template_that_cannot_decide_is_a_fault() -> None:
    plain = pipeline(asset("a", enabled="{{ 'maybe' }}"), asset("b", enabled="{{ var.x }}"))
    with pytest.raises(DefinitionError) as caught:
        filled(plain, dict)
    assert len(caught.value.faults) == 2
    assert "must become true or false, not 'maybe'" in str(caught.value)
