"""The values of a pipeline's variables."""

import json
import re
from typing import Any

import pytest

from assets_parser.faults import DefinitionError
from assets_parser.model import Pipeline
from assets_parser.variables import parse, schema_text, values, values_text

PIPELINE = Pipeline(
    name="shop",
    root="/p",
    path="shop/pipeline.yml",
    variables={
        "region": {"type": "string", "default": "eu"},
        "n": {"type": "integer", "default": 1},
        "o": {"type": "object", "default": {"k": 1}},
        "bare": None,
    },
    variants={"north": {"region": "no"}, "empty": None},
    lines={"variables": 4},
)


def refusal(*given: str) -> str:
    """Why these --var are refused."""
    with pytest.raises(DefinitionError) as error:
        parse(given, PIPELINE)
    return str(error.value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (['region="us"'], {"region": "us"}),
        (["n=9007199254740993"], {"n": 9007199254740993}),
        (["n=3.0"], {"n": 3.0}),
        (['o={"k":{"n":[1]}}'], {"o": {"k": {"n": [1]}}}),
        (['{"region": "us", "n": 2}'], {"region": "us", "n": 2}),
        (["n=1", '{"n": 2}', "n=3"], {"n": 3}),
        (['region=""'], {"region": ""}),
        (["region=null"], {"region": None}),
        (['region="a=b"'], {"region": "a=b"}),
    ],
)
def test_variables_are_given_as_json(given: list[str], expected: dict[str, Any]) -> None:
    assert parse(given, PIPELINE) == expected


def test_ints_stay_ints() -> None:
    assert isinstance(parse(["n=3"], PIPELINE)["n"], int)


def test_the_environment_counts_only_without_flags() -> None:
    environ = {"BRUIN_VARS": '{"n": 5, "region": "us"}'}
    assert parse([], PIPELINE, environ) == {"n": 5, "region": "us"}
    assert parse(["n=6"], PIPELINE, environ) == {"n": 6}
    assert parse([], PIPELINE, {"BRUIN_VARS": ""}) == {}


def test_a_bare_word_is_refused_and_shows_how_to_quote_it() -> None:
    assert """region='"us"'""" in refusal("region=us")


@pytest.mark.parametrize("text", ["region", "=1", "[1]", "{", "n=NaN", "n=", 'region="\\ud800"'])
def test_what_is_no_json_is_refused(text: str) -> None:
    assert "--var" in refusal(text)


def test_deep_json_is_refused() -> None:
    assert "is not JSON" in refusal("o=" + "[" * 100_000)


def test_unknown_names_are_all_told_with_the_nearest() -> None:
    text = refusal("regoin=1", "zz=1")
    assert re.match(r"shop/pipeline\.yml:4 .*did you mean 'region'", text)
    assert "there is no variable 'zz'" in text


def test_a_variant_beats_flags_and_flags_beat_defaults() -> None:
    found = values(PIPELINE, {"region": "zz", "n": 3}, "north")
    assert found == {"region": "no", "n": 3, "o": {"k": 1}, "bare": None}
    assert values(PIPELINE, {}, "empty")["region"] == "eu"


def test_an_unknown_variant_gives_the_nearest() -> None:
    with pytest.raises(DefinitionError, match="did you mean 'north'"):
        values(PIPELINE, {}, "nort")


def test_the_texts_are_compact_sorted_and_escaped_as_gos() -> None:
    assert values_text({"b": "<ü&>", "a": [1, True, None]}) == (
        '{"a":[1,true,null],"b":"\\u003cü\\u0026\\u003e"}'
    )
    assert values_text({}) == "{}"
    expected = {"bare": {}, "n": {"type": "integer"}, "o": {"type": "object"}}
    assert json.loads(schema_text(PIPELINE)) == {"region": {"type": "string"}, **expected}
