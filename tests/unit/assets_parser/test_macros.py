"""Macros of the folder `macros`, in every template of the pipeline."""

from pathlib import Path

import pytest

from assets_parser.pipeline import load
from assets_parser.plan import build
from assets_parser.spec import AssetSpec
from tests.support.layout import lay_out
from tests.support.pipelines import options

_HEAD = "/* @bruin\nname: shop.t\ntype: duckdb.sql\n{more}@bruin */\n\n"


def _spec(folder: Path, body: str, macros: dict[str, str], more: str = "") -> AssetSpec:
    files = {f"pipe/macros/{name}": text for name, text in macros.items()}
    asset = _HEAD.replace("{more}", more) + body
    folder.mkdir(exist_ok=True)
    lay_out(files | {"pipe/pipeline.yml": "name: shop\n", "pipe/assets/t.sql": asset}, folder)
    loaded = load(folder / "pipe")
    (spec,) = build(loaded.pipeline, options()).assets
    return spec


def _refusal(folder: Path, body: str, macros: dict[str, str]) -> str:
    return _spec(folder, body, macros).fault


def test_macros_are_known_in_queries_hooks_and_checks(tmp_path: Path) -> None:
    macros = {
        "b.sql": "{% macro label(i) -%}'item {{ i }}'{%- endmacro %}\n\n\n\n",
        "a.sql": "-- {{ start_date }}\n{% macro both(x) %}{{ x }}, {{ label(x) }}{% endmacro %}",
        "sub/c.sql": "{% macro label(i) %}deeper folders do not count{% endmacro %}",
    }
    more = (
        'hooks: {pre: [{query: "select {{ label(2) }}"}]}\n'
        'custom_checks: [{name: x, query: "select {{ label(start_date) }}"}]\n'
    )
    spec = _spec(tmp_path, "select {{ both(1) }}", macros, more)
    assert spec.query == "select 1, 'item 1'"
    assert spec.hooks.pre == ("select 'item 2'",)
    assert spec.custom_checks[0].query == "select 'item 2024-03-01'"


def test_a_text_without_a_template_does_not_need_the_macros(tmp_path: Path) -> None:
    assert _spec(tmp_path, "select 1", {"a.sql": "{% broken"}).query == "select 1"


@pytest.mark.parametrize(
    ("body", "macro", "place"),
    [
        ("\nselect {{ nothing }}", "{% macro m() %}{% endmacro %}", "pipe/assets/t.sql:7"),
        (
            "select {{ m() }}",
            "\n{% macro m() %}\n{{ nothing }}{% endmacro %}",
            "pipe/macros/b.sql:3",
        ),
        ("select {{ m() }}", "{% macro m() %}\n{{ x ", "pipe/macros/b.sql:2"),
        ("select {{ 1 }}", "{{ 1 + none.x }}", "pipe/macros/b.sql:1"),
        ("select {{ 1 }", "{% macro m() %}{% endmacro %}", "pipe/assets/t.sql:6"),
    ],
)
def test_an_error_points_to_the_file_that_it_is_in(
    tmp_path: Path, body: str, macro: str, place: str
) -> None:
    macros = {"a.sql": "{% macro one() %}\n\n1{% endmacro %}\n", "b.sql": macro}
    assert _refusal(tmp_path, body, macros).startswith(place)


def test_macros_are_hostile_too(tmp_path: Path) -> None:
    endless = "{% for i in range(100000) %}{{ 'x' * 100000 }}{% endfor %}"
    assert "10,000,000 characters" in _refusal(tmp_path, "{{ 1 }}", {"a.sql": endless})
    inside = "{% macro m() %}" + endless + "{% endmacro %}"
    assert "10,000,000 characters" in _refusal(tmp_path / "b", "{{ m() }}", {"a.sql": inside})
