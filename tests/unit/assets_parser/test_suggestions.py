"""The nearest right word."""

from assets_parser.suggestions import did_you_mean, nearest


def test_a_typo_finds_its_word() -> None:
    assert (
        did_you_mean("mart.revenu", ["mart.revenue", "raw.orders"])
        == "did you mean 'mart.revenue'?"
    )


def test_a_name_without_its_schema_finds_the_whole_name() -> None:
    assert nearest("orders", ["raw.orders", "mart.revenue"]) == ["raw.orders"]


def test_another_case_is_the_same_word() -> None:
    assert nearest("SLOW", ["fast", "slow"]) == ["slow"]


def test_nothing_near_gives_nothing() -> None:
    assert did_you_mean("zzzzzz", ["raw.orders"]) == ""
    assert did_you_mean("", ["raw.orders"]) == ""


def test_a_shared_schema_alone_makes_no_name_near() -> None:
    assert did_you_mean("raw.nope", ["raw.i", "raw.notes_of_ops"]) == ""
    assert nearest("raw.order", ["raw.i", "raw.orders"]) == ["raw.orders"]
