"""Templates: names, places of errors, and hostile texts."""

import subprocess
import sys

import pytest

from assets_parser import allowance
from assets_parser.environment import AssetContext
from assets_parser.faults import DefinitionError
from assets_parser.interval import Interval, parse_moment
from assets_parser.templates import Renderer, names

INTERVAL = Interval(
    start=parse_moment("2024-01-31"),
    end=parse_moment("2024-01-31T23:59:59.999999"),
    execution=parse_moment("2024-02-01T03:04:05.123456"),
)
CONTEXT = AssetContext(
    pipeline="shop", asset="raw.a", run_id="r1", interval=INTERVAL, commit="c0ffee"
)


def renderer() -> Renderer:
    """A renderer of an asset of a run."""
    return Renderer(names(CONTEXT, {"x": 1, "none": None, "l": [1, 2]}))


def refusal(template: str) -> str:
    """Why the template cannot be rendered."""
    with pytest.raises(DefinitionError) as error:
        renderer().render(template, file="shop/a.py", line=10)
    return str(error.value.faults[0])


def test_all_names_of_a_run_are_there() -> None:
    moments = "{{ start_date_nodash }} {{ end_timestamp }} {{ execution_datetime }}"
    expected = "20240131 2024-01-31T23:59:59.999999Z 2024-02-01T03:04:05"
    assert renderer().render(moments) == expected
    assert renderer().render("{{ this }} {{ var.x }}") == "raw.a 1"
    assert renderer().render("{{ pipeline }} {{ run_id }} {{ commit_hash }}") == "shop r1 c0ffee"


def test_nested_values_are_rendered_and_trimmed_but_not_their_keys() -> None:
    value = {"{{ a }}": [" {{ var.x }} ", {"b": "{% if full_refresh %}x{% endif %}"}], "n": 2}
    assert renderer().render_value(value) == {"{{ a }}": ["1", {"b": ""}], "n": 2}


def test_a_text_without_template_only_loses_its_last_line_end() -> None:
    assert renderer().render("a\r\nb\n\n") == "a\nb\n"


def test_jinja_is_not_imported_without_a_template() -> None:
    code = (
        "import sys; from assets_parser.templates import Renderer\n"
        "assert Renderer({}).render('select 1') == 'select 1'\n"
        "assert 'jinja2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("\n\n{{ nothing }}", "shop/a.py:12 error template 'nothing' is undefined"),
        ("{{ start_dat }}", "did you mean 'start_date'?"),
        ("\n{% if true %}\n", "shop/a.py:1"),
        ("\n{% endif %}", "shop/a.py:11 error template"),
        ("\n{{ 1 / 0 }}", "shop/a.py:11 error template division by zero"),
        ("\n{{ 'soon' | add_days(1) }}", "shop/a.py:11 error template 'soon' is not a date"),
        ("{{ start_date | add_days('x') }}", "'x' is no whole number"),
        ("{{ start_date | add_years(9999) }}", "leaves the years 1 to 9999"),
        ("{{ start_date | add_hours(999999999999999) }}", "leaves the years 1 to 9999"),
        ("{{ start_date | nosuch }}", "nosuch"),
        ("{{ start_date | add_days }}", "error template add_days() missing 1 required"),
        ("{{ start_date | date_add(1, 2) }}", "error template date_add() takes 2 positional"),
        ("{{ '06 May 2024 07:08z' | add_days(1) }}", "is not a date"),
        ("\n" + "{% for i in [1] %}" * 25 + "{% endfor %}" * 25, "template nested too deep"),
        ("{% if 0 %}" + "{% elif 0 %}" * 9999 + "{% endif %}", "template nested too deep"),
        ("{% include '/etc/passwd' %}", "'include' is not allowed"),
        ("{% import 'x' as x %}", "'import' is not allowed"),
        ("{% from 'x' import y %}", "'import' is not allowed"),
        ("{% extends 'x' %}", "'extends' is not allowed"),
    ],
)
def test_an_error_has_its_place_and_reason(template: str, words: str) -> None:
    assert words in refusal(template)


BIG = "{% set a = 'x' * 99999 %}"
NESTED = (
    "{% set ns = namespace(l=(1,)) %}"
    "{% for i in range(60) %}{% set ns.l = (ns.l, ns.l) %}{% endfor %}"
)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ var.l.append(3) }}",
        "{{ range.__globals__ }}",
        "{{ 'a' * 10**9 }}",
        "{{ [0] * 10**9 }}",
        "{{ 10**100000 }}",
        "{% for i in range(10**9) %}{% endfor %}",
        "{% set r = range(9999) | list %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}",
        "{% macro m(n) %}{{ m(n - 1) }}{{ m(n - 1) }}{% endmacro %}{{ m(60) }}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) ~ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
        BIG + "{% set a = a ~ a %}" * 40,
        BIG + "{% set a = a + a %}" * 40,
        BIG + "{{ a | replace('x', a) }}",
        BIG + "{{ a.replace('x', a) }}",
        BIG + "{{ a.join([a, a] * 9000) }}",
        BIG + "{{ ([a] * 90000) | join(a) }}",
        BIG + "{{ ('{0}' * 9999).format(a) }}",
        BIG + "{{ ('%s' * 1000) % ((a,) * 1000) }}",
        BIG + "{% for i in range(99999) %}{{ a }}{% endfor %}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ 'a' | center(10**9) }}",
        "{{ 'a'.ljust(10**9) }}",
        BIG + "{{ a | wordwrap(1, wrapstring=a) }}",
        BIG + "{{ a.translate({120: a}) }}",
        BIG + "{{ a.encode('punycode') }}",
        BIG + "{{ [a] * 90000 }}",
        BIG + "{{ bruin.pivot(a, range(9999) | list) }}",
        BIG + "{% for i in range(99999) %}{% set b = a[::-1] %}{% endfor %}",
        BIG + "{% set ns = namespace(l=[]) %}"
        "{% for i in range(9999) %}{% set ns.l = ns.l + [a ~ i] %}{% endfor %}",
        "{{ ('a\n' * 9999) | indent(99999) }}",
        "{{ ('\t' * 99999).expandtabs(99999) }}",
        "{{ ([[1]] * 9999) | sum(start=[]) }}",
        "{{ ([[1]] * 9999) | tojson(indent=9999) }}",
        NESTED + "{{ ns.l }}",
        NESTED + "{{ ns.l | tojson }}",
        NESTED + "{{ 'a' ~ ns.l }}",
        NESTED + "{{ '%s' % [ns.l] }}",
        NESTED + "{{ '{}'.format(ns.l) }}",
        NESTED + "{{ ns.l == (ns.l[0], ns.l[0]) }}",
        NESTED + "{{ ns.l is in [1] }}",
        NESTED + "{{ {ns.l: 1} }}",
        NESTED + "{{ var[ns.l] }}",
        NESTED + "{{ [ns.l] | unique }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ 1 }}" * 200_000,
    ],
)
def test_a_hostile_template_ends_with_an_error(template: str) -> None:
    assert "error template" in refusal(template)


def test_a_template_that_only_takes_long_ends_with_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each pass of the loop is within every other limit, all of them together are minutes."""
    monkeypatch.setattr(allowance, "_MOST_SECONDS", 0.05)
    loop = "{% for i in range(99999) %}{% set x = range(9999) | sum %}{% endfor %}"
    assert "seconds of work" in refusal(loop)


def test_a_namespace_prints_without_what_it_holds() -> None:
    """Which may be without end."""
    assert renderer().render(NESTED + "{{ ns }}") == "<Namespace>"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ [1, 2, 1] | unique }}", "[1, 2]"),
        ("{{ ['a', 'b'] | map('upper') }}", "['A', 'B']"),
        ("{{ [1, 2, 4] | select('even') | length }}", "2"),
        ("{{ ([1, 2] | reverse)[0] }}", "2"),
        ("{{ {'a': 1}.keys() }} {{ {'a': 1}.values() }}", "['a'] [1]"),
        ("[{{ None ~ var.none ~ 'x' }}]", "[x]"),
        ("[{{ var.none | string }}{{ var.none | lower }}{{ var.none | trim }}]", "[]"),
    ],
)
def test_filters_give_lists_and_none_is_empty_as_in_bruin(template: str, expected: str) -> None:
    assert renderer().render(template) == expected


@pytest.mark.parametrize("template", ["{{ [nothing] }}", "{{ {'a': [var.nothing]} }}"])
def test_an_undefined_name_is_an_error_inside_of_a_list_too(template: str) -> None:
    assert "nothing' is undefined" in refusal(template) or "'nothing'" in refusal(template)


def test_the_limits_start_anew_with_each_rendering() -> None:
    one = renderer()
    loop = "{% for i in range(99999) %}{% endfor %}ok"
    assert [one.render(loop) for _ in range(4)] == ["ok"] * 4


def test_common_idioms_stay_within_the_limits() -> None:
    text = (
        "{% set ns = namespace(n=0) %}{% for i in var.l %}{% set ns.n = ns.n + i %}{% endfor %}"
        "{{ ns.n }} {{ 'a' ~ 1 ~ var.x }} {{ '%05d' % 7 }} {{ '{:>3}'.format(1) }} {{ '=' * 3 }}"
        " {{ var.none | default('d') }} {{ ['a', 'b'] | join(', ') }} {{ 'ab' | center(4) }}"
    )
    assert renderer().render(text) == "3 a11 00007   1 === d a, b  ab "
