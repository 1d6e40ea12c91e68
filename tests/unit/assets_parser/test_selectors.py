"""dbt's grammar over a small pipeline."""

import pytest

from assets_parser.model import Pipeline
from assets_parser.selectors import SelectorError, match
from tests.support.pipelines import asset, pipeline


@pytest.fixture
def shop() -> Pipeline:
    """Raw a and b; c needs a; d needs b and c; e needs d by lineage only; f stands alone."""
    return pipeline(
        asset("raw.a", tags=("nightly", "raw")),
        asset("raw.b", tags=("raw",)),
        asset("stage.c", "raw.a", tags=("slow",)),
        asset("mart.d", "raw.b", "stage.c", tags=("nightly", "slow")),
        asset("mart.e", "~mart.d"),
        asset("f", path="flow/assets/odd/f.asset.yml", body_path="flow/sql/f.sql"),
        path="flow/pipeline.yml",
    )


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("raw.a", "a"),
        ("+mart.d", "abcd"),
        ("1+mart.d", "bcd"),
        ("0+mart.d", "d"),
        ("raw.a+", "acde"),
        ("raw.a+1", "ac"),
        ("1+stage.c+1", "acd"),
        ("+stage.c+", "acde"),
        ("@raw.b", "abcde"),
        ("@mart.e", "abcde"),
        ("@f", "f"),
        ("raw.a f", "af"),
        ("  raw.a   f ", "af"),
        ("tag:nightly", "ad"),
        ("tag:nightly,tag:slow", "d"),
        ("tag:n*", "ad"),
        ("tag:raw+1", "abcd"),
        ("+tag:slow,raw.*", "ab"),
        ("raw.a+,+mart.d f", "acdf"),
        ("fqn:raw.a", "a"),
        ("raw", "ab"),
        ("c", "c"),
        ("*.d", "d"),
        ("*.?", "abcde"),
        ("*", "abcdef"),
        ("mart.[de]", "de"),
        ("path:assets/odd", "f"),
        ("path:flow/assets/odd/", "f"),
        ("flow/sql/f.sql", "f"),
        ("path:sql/*.sql", "f"),
        ("path:assets/o", ""),
        ("file:a.py", "a"),
        ("file:f", "f"),
        ("f.asset.yml", "f"),
        ("b.py+1", "bd"),
        ("nothing.here", ""),
        ("raw.a,raw.b", ""),
    ],
)
def test_what_a_selector_takes(shop: Pipeline, text: str, letters: str) -> None:
    assert sorted(name[-1] for name in match(shop, text).names) == sorted(letters)


def test_words_that_nothing_fits_are_named(shop: Pipeline) -> None:
    assert match(shop, "raw.a stage.x,tag:slow raw.y+").missed == ("stage.x", "raw.y+")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" ", "the selector is empty"),
        ("a, b", "nothing on one side of a comma"),
        ("@a+", "@ and \\+ do not go together"),
        ("1+@a", "is no selector"),
        ("+", "is no selector"),
        ("source:a", "no selector method 'source'"),
        ("a+9999999999", "more steps than any pipeline has"),
        ("a," * 20_000, "more than 10000 words"),
    ],
)
def test_what_is_no_selector_is_refused_in_words(shop: Pipeline, text: str, words: str) -> None:
    with pytest.raises(SelectorError, match=words):
        match(shop, text)


def test_a_cycle_ends_the_walk() -> None:
    circle = pipeline(asset("a", "b"), asset("b", "a"))
    assert match(circle, "@a").names == match(circle, "3+a+3").names == {"a", "b"}
