"""The rule used-tables: SQL that reads an asset which is not declared."""

from assets_parser.model import Asset
from assets_parser.rules.used_tables import check, without_templates
from tests.support.pipelines import asset, pipeline


def _warnings(body: str, *depends: str) -> list[tuple[str, int]]:
    mart = asset("mart.a", *depends, type="pg.sql", body=body, body_line=10)
    others: tuple[Asset, ...] = (asset("raw.b"), asset("raw.c"), asset("orders"))
    return [(one.message.split("'")[1], one.line) for one in check(pipeline(mart, *others))]


def test_an_undeclared_asset_is_named_once_with_its_line() -> None:
    body = "select *\nfrom raw.b\njoin mart.a using (id)\njoin raw.b b2 using (id)"
    assert _warnings(body) == [("raw.b", 11)]


def test_declared_and_symbolic_dependencies_and_texts_are_fine() -> None:
    assert _warnings("select 'raw.c' from raw.b, orders", "raw.b", "~orders") == []


def test_templates_do_not_hide_what_is_read() -> None:
    body = (
        "{% if full_refresh\n %}select {{ var.x }}, '{{ start_date\n }}'\nfrom {{ this }}\n"
        "{% else %}select 1 from raw.c{% endif %}"
    )
    assert _warnings(body) == [("raw.c", 14)]


def test_a_word_of_sql_that_cannot_be_parsed_is_no_table() -> None:
    assert _warnings("these orders are\nno sql from raw.b") == [("raw.b", 11)]


def test_templates_that_are_never_closed_are_read_once() -> None:
    """Begun anew at each of them, this would take an hour."""
    text = "select 1 " + "{{ {% {# " * 100_000
    assert without_templates(text).rstrip(" j_") == "select 1"
