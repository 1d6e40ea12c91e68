"""SQL helpers that are called wrongly; what they write is run in tests/integration."""

import pytest

from assets_parser.faults import DefinitionError
from assets_parser.sql_helpers import SqlHelpers, date_spine, deduplicate, generate_series
from assets_parser.templates import Renderer


def _refusal(template: str) -> str:
    with pytest.raises(DefinitionError) as error:
        Renderer({"bruin": SqlHelpers("duckdb")}).render(template, file="a.sql", line=5)
    return str(error.value.faults[0])


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ bruin.group_bye(2) }}", "no helper bruin.group_bye; did you mean 'group_by'?"),
        (
            "\n{{ bruin.xyz() }}",
            "a.sql:6 error template there is no helper bruin.xyz; there are: date",
        ),
        ("{{ bruin.group_by(0) }}", "group_by takes a number from 1 to 10,000"),
        ("{{ bruin.group_by('2') }}", "'2' is not a whole number"),
        ("{{ bruin.group_by() }}", "missing 1 required positional argument: 'n'"),
        ("{{ bruin.date_spine('fortnight', 'a', 'b') }}", "'fortnight' is none of day, week"),
        ("{{ bruin.haversine_distance(1, 2, 3, 4, unit='nm') }}", "unit is 'mi' or 'km'"),
        ("{{ bruin.pivot('a', range(20000) | list) }}", "at most 10,000 values"),
        ("{{ bruin.__class__ }}", "is unsafe"),
    ],
)
def test_a_wrong_call_is_an_error_that_says_what_is_right(template: str, words: str) -> None:
    assert words in _refusal(template)


def test_other_platforms_get_plain_sql() -> None:
    plain = Renderer({"bruin": SqlHelpers("snowflake")})
    assert plain.render("{{ bruin.generate_series(3) }}") == generate_series(3)
    assert "row_number()" in deduplicate("t", "a", "b")
    assert "dateadd(day, n + 1, x)" in date_spine("day", "x", "y")


def test_macros_can_use_the_helpers() -> None:
    text = "{% macro keys(n) %}{{ bruin.group_by(n) }}{% endmacro %}{{ keys(3) }}"
    assert Renderer({"bruin": SqlHelpers()}).render(text) == "group by 1, 2, 3"
