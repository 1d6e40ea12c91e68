"""Expressions of policies: what they mean, and that what cannot be read is said."""

from typing import Any

import pytest

from assets_parser.policies.evaluation import Evaluation, Struct
from assets_parser.policies.grammar import parse
from assets_parser.policies.tokens import ExpressionError
from assets_parser.policies.work import TooMuchWork, Work

ASSET = Struct(
    Name="raw.orders",
    Owner="",
    Tags=["daily", "raw"],
    Tier=2,
    Image=None,
    Meta={"team": "shop"},
    Columns=[
        Struct(Name="id", Type="integer", PrimaryKey=True),
        Struct(Name="at", Type="", PrimaryKey=False),
    ],
    CheckCount=lambda: 3,
)
ASSET.what = "asset"


def _value(text: str, work: Work | None = None) -> Any:
    names = {"asset": ASSET, "var": {"env": "prod"}}
    return Evaluation(names=names, work=work or Work()).value(parse(text))


@pytest.mark.parametrize(
    "text",
    [
        'asset.Owner == ""',
        'asset.Name != "x" && not (asset.Tier > 2)',
        "!(asset.Tier < 1) or false",
        "asset.Tier in [1, 2, 3] and asset.Tier not in [4]",
        '"daily" in asset.Tags',
        '"team" in asset.Meta and asset.Meta["team"] == "shop" and asset.Meta.other == nil',
        'asset.Name matches "^raw\\\\.[a-z]+$"',
        "asset.Name not matches `^mart`",
        'asset.Name startsWith "raw." and asset.Name endsWith "s" and asset.Name contains "ord"',
        "len(asset.Columns) == 2",
        "all(asset.Columns, {.Name != ''}) and any(asset.Columns, .PrimaryKey)",
        "none(asset.Columns, {len(#.Name) > 2}) and one(asset.Columns, {.PrimaryKey})",
        "count(asset.Columns, {.Type == ''}) == 1",
        "map(filter(asset.Columns, {.PrimaryKey}), {.Name}) == ['id']",
        "find(asset.Columns, {.Name == 'x'}) == nil",
        "all(asset.Tags, {# != '' and #index < 2})",
        "asset.Tags[0] == 'daily' and asset.Tags[-1] == 'raw' and asset.Name[0:3] == 'raw'",
        "len(split(asset.Name, '.')) == 2",
        "asset.Name | upper() | hasPrefix('RAW')",
        "join(asset.Tags, '+') == 'daily+raw'",
        "asset.Image?.Name == nil and (asset.Image ?? 'none') == 'none'",
        "asset.Tier > 1 ? true : false",
        "let parts = split(asset.Name, '.'); parts[1] == 'orders'",
        "1 + 2 * 3 == 7 and -2 ** 2 == -4 and 7 % 3 == 1 and 1 / 2 == 0.5",
        "asset.CheckCount() >= 3",
        "sum(1..4) == 10 and max(1, 2) == 2 and trim(' a ') == 'a'",
        'var.env == "prod" // the default',
        "replace('a-b', '-', '_') == \"a_b\" and '\\u0041' == 'A'",
        "1_000 == 1e3 and 0x10 == 16",
    ],
)
def test_an_expression_means_what_it_says(text: str) -> None:
    assert _value(text) is True


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("asset.Owner !=", "it ends early"),
        ("asset.Owner = ''", "'=' is not expected there"),
        ("asset.Name =~ 'x'", "\"~ 'x'\" cannot be read"),
        ("(asset.Tier > 1", "')' is missing before 'its end'"),
        ("asset.Owner != 'x", '"\'x" cannot be read'),
        ("{a: 1}", "maps cannot be read"),
        ("'\\q' == ''", "the escape '\\q' cannot be read"),
        ("(" * 80 + "1" + ")" * 80, "it is nested too deep"),
        ("1 + " * 2000 + "1", "it is longer than 4000 characters"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, why: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert str(caught.value) == why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("asset.owner", "asset has no 'owner': did you mean 'Owner'?"),
        ("assets.Name", "'assets' is not known: did you mean 'asset'?"),
        ("asset.Name.First", "a text has no 'First'"),
        ("asset.Tier == '2'", "'==' cannot compare or join a number and a text"),
        ("asset.Image > 1", "'>' cannot compare or join nil and a number"),
        ("'a' in 'abc'", "'in' cannot compare or join a text and a text"),
        ("asset.Name && true", "the left side of 'and' must be true or false, it is a text"),
        ("not asset.Name", "what 'not' stands before must be true or false, it is a text"),
        (
            "all(asset.Columns, {.Name})",
            "the condition of 'all' must be true or false, it is a text",
        ),
        ("all(asset.Name, {# == 'a'})", "a list is needed there, not a text"),
        ("all(asset.Columns)", "'all' needs a list and a condition"),
        ("fetch('http://x')", "there is no function 'fetch' here"),
        ("len(1)", "'len' cannot be called with a number"),
        ("asset.Tags[5]", "there is no item 5 among 2"),
        ("asset.Name matches '(?=x)'", None),
        ("#.Name", None),
        ("1 / 0", "1 / 0 cannot be computed"),
        ("1..1000000", "1 .. 1000000 cannot be computed"),
        ("asset.CheckCount", "'CheckCount' is a function: write CheckCount()"),
    ],
)
def test_what_cannot_be_evaluated_is_said(text: str, why: str | None) -> None:
    with pytest.raises(ExpressionError) as caught:
        _value(text)
    assert why is None or str(caught.value) == why


def test_only_true_and_false_are_answers() -> None:
    evaluation = Evaluation(names={"asset": ASSET}, work=Work())
    with pytest.raises(ExpressionError, match="the expression must be true or false, it is a text"):
        evaluation.holds(parse("asset.Name"))


@pytest.mark.parametrize(
    "text",
    [
        "all(1..10000, {all(1..10000, {all(1..10000, {true})})})",
        "let a = join(map(1..9000, {'" + "x" * 300 + "'}), ''); len(a) > 0",
        "".join(f"let a{n + 1} = a{n} + a{n}; " for n in range(25)).replace(
            "let a1 = a0 + a0", "let a1 = 'x' + 'x'"
        )
        + "len(a25) > 0",
    ],
)
def test_hostile_expressions_end(text: str) -> None:
    with pytest.raises((TooMuchWork, ExpressionError)):
        _value(text, Work(left=100_000))
