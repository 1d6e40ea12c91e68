"""What each spec of a plan tells its worker: steps, texts, interval, packages, connection."""

from pathlib import Path
from typing import Any

import pytest

from assets_parser import standalone
from assets_parser.faults import DefinitionError
from assets_parser.model import (
    Asset,
    Check,
    Column,
    CustomCheck,
    Dependency,
    IntervalModifiers,
    IntervalShift,
    Materialization,
    Secret,
)
from assets_parser.plan import Surroundings, build
from assets_parser.spec import AssetSpec, dump, load_options, load_spec
from tests.support.pipelines import asset, options, pipeline

_CHECKED = (Column(name="id", checks=(Check(name="not_null"),)),)


_TABLE = Materialization(type="table")


def _spec(one: Asset, root: str = "/nowhere", **fields: Any) -> AssetSpec:
    (spec,) = build(pipeline(one, root=root), options(**fields)).assets
    return spec


@pytest.mark.parametrize(
    ("fields", "only", "steps"),
    [
        ({}, (), ("script",)),
        ({"columns": _CHECKED}, (), ("script", "checks")),
        ({"materialization": _TABLE}, (), ("materialize", "load")),
        ({"materialization": _TABLE, "columns": _CHECKED}, (), ("materialize", "load", "checks")),
        ({"custom_checks": (CustomCheck(name="x", query="q"),)}, ("main",), ("script",)),
        ({"columns": _CHECKED}, ("checks",), ("checks",)),
        ({"columns": _CHECKED}, ("main", "checks"), ("script", "checks")),
        ({"type": "empty"}, (), ()),
        ({"columns": (Column(name="id"),)}, (), ("script",)),
    ],
)
def test_the_steps_follow_from_the_asset_and_from_only(
    fields: dict[str, Any], only: tuple[str, ...], steps: tuple[str, ...]
) -> None:
    assert _spec(asset("a.b", **fields), only=only).steps == steps


def test_an_assets_meta_may_forbid_another_run_after_a_loss() -> None:
    made = pipeline(asset("a", meta={"fleet_rerun": "Never"}), asset("b"))
    a, b = build(made, options()).assets
    assert (a.rerun_after_loss, b.rerun_after_loss) == (False, True)


def test_retries_and_delays_come_from_the_asset_then_the_pipeline() -> None:
    shop = pipeline(asset("a", retries=0, retries_delay=7), asset("b"), retries=3, retries_delay=5)
    a, b = build(shop, options()).assets
    assert (a.retries, a.retries_delay) == (0, 7)
    assert (b.retries, b.retries_delay) == (3, 5)


def test_the_connection_is_also_a_secret_and_default_connections_serve_checks() -> None:
    own = _spec(asset("a.b", connection="db", secrets=(Secret(key="k", inject_as="K"),)))
    assert own.connection == "db"
    assert [(one.key, one.inject_as) for one in own.secrets] == [("k", "K"), ("db", "db")]
    assert own.environment["BRUIN_CONNECTION"] == "db"
    assert _spec(asset("a.b")).connection == ""
    assert "BRUIN_CONNECTION" not in _spec(asset("a.b")).environment
    assert _spec(asset("a.b", columns=_CHECKED)).connection == "gcp-default"


def test_texts_are_rendered_with_the_run_the_asset_and_the_variables() -> None:
    checks = (
        CustomCheck(name="x", query="select {{ var.n }} from {{ this }} -- {{ start_date }}"),
    )
    one = asset(
        "a.b",
        custom_checks=checks,
        parameters={"page_size": " {{ var.n + 1 }} ", "n": 3, "deep": {"k": ["{{ pipeline }}"]}},
    )
    shop = pipeline(one, variables={"n": {"default": 1}})
    (spec,) = build(shop, options(variables={"n": 41})).assets
    assert spec.custom_checks[0].query == "select 41 from a.b -- 2024-03-01"
    assert spec.parameters == {"page_size": "42", "n": 3, "deep": {"k": ["shop"]}}
    assert spec.environment["BRUIN_VARS"] == '{"n":41}'


_DAY_BEFORE = IntervalModifiers(start=IntervalShift(days=-1), end=IntervalShift(minutes=30))


@pytest.mark.parametrize(
    ("flags", "start", "end"),
    [
        ({}, "2024-03-01T00:00:00", "2024-03-01T23:00:00"),
        ({"apply_interval_modifiers": True}, "2024-02-29T00:00:00", "2024-03-01T23:30:00"),
        (
            {"apply_interval_modifiers": True, "full_refresh": True},
            "2024-03-01T00:00:00",
            "2024-03-01T23:00:00",
        ),
    ],
)
def test_interval_modifiers_apply_with_the_flag_and_without_a_full_refresh(
    flags: dict[str, Any], start: str, end: str
) -> None:
    spec = _spec(asset("a", interval_modifiers=_DAY_BEFORE), **flags)
    assert (spec.interval_start, spec.interval_end) == (f"{start}+00:00", f"{end}+00:00")
    assert spec.environment["BRUIN_START_TIMESTAMP"] == f"{start}.000000Z"
    assert spec.environment["BRUIN_END_TIMESTAMP"] == f"{end}.000000Z"


def test_a_templated_modifier_counts_for_python_assets_too() -> None:
    shift = IntervalShift(template='{% if start_date == "2024-03-01" %}-2h{% else %}0{% endif %}')
    one = asset("a", interval_modifiers=IntervalModifiers(start=shift))
    spec = _spec(one, apply_interval_modifiers=True)
    assert spec.environment["BRUIN_START_TIMESTAMP"] == "2024-02-29T22:00:00.000000Z"


def test_modifiers_that_turn_the_interval_around_are_refused() -> None:
    one = asset("a", interval_modifiers=IntervalModifiers(start=IntervalShift(days=2)))
    with pytest.raises(DefinitionError, match="interval modifiers cannot be applied"):
        _spec(one, apply_interval_modifiers=True)


def test_a_full_refresh_spares_restricted_assets_and_begins_at_the_start_date() -> None:
    one = asset("a", start_date="2020-01-05")
    assert _spec(one).interval_start == "2024-03-01T00:00:00+00:00"
    spec = _spec(one, full_refresh=True)
    assert (spec.full_refresh, spec.interval_start) == (True, "2020-01-05T00:00:00+00:00")
    assert spec.environment["BRUIN_FULL_REFRESH"] == "1"
    assert spec.environment["BRUIN_START_DATE"] == "2024-03-01"
    spared = _spec(asset("a", start_date="2020-01-05", refresh_restricted=True), full_refresh=True)
    assert (spared.full_refresh, spared.interval_start[:10]) == (False, "2024-03-01")
    assert spared.environment["BRUIN_FULL_REFRESH"] == ""
    around = Surroundings(refresh_restricted=True)
    (spec,) = build(pipeline(one), options(full_refresh=True), surroundings=around).assets
    assert not spec.full_refresh


def test_packages_decide_the_folder_and_the_python(tmp_path: Path) -> None:
    (tmp_path / "p/assets").mkdir(parents=True)
    pyproject = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.12"\n'
    (tmp_path / "p/pyproject.toml").write_text(pyproject)
    one = asset("a", path="p/assets/a.py", body_path="p/assets/a.py")
    spec = _spec(one, root=str(tmp_path))
    assert (spec.working_dir, spec.python) == ("p", "3.12")
    (tmp_path / "requirements.txt").write_text("roman\n")
    spec = _spec(one, root=str(tmp_path))
    assert (spec.working_dir, spec.python) == (".", "3.11")
    assert spec.requirements is not None
    assert spec.requirements.path == "requirements.txt"


def test_a_pyproject_that_cannot_be_read_is_a_fault_of_the_plan(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")
    with pytest.raises(DefinitionError, match="cannot be read"):
        _spec(asset("a"), root=str(tmp_path))


def test_imports_are_looked_for_where_they_decide_about_locks() -> None:
    body = "import duckdb\ndef materialize():\n    import bruin"
    assert _spec(asset("a", body=body, materialization=_TABLE)).imports == ("bruin", "duckdb")
    assert _spec(asset("a", body="import duckdb; duckdb.connect('a.db')")).opens == ("a.db",)
    assert _spec(asset("a", type="duckdb.sql", body="SELECT 'import x'")).imports == ()


def test_specs_and_options_survive_the_catalog() -> None:
    rich = asset(
        "a.b",
        "~x",
        columns=_CHECKED,
        materialization=_TABLE,
        connection="db",
        custom_checks=(CustomCheck(name="x", query="q", count=2),),
        tags=("t",),
    )
    spec = _spec(rich)
    assert load_spec(dump(spec)) == spec
    run = options(variables={"x": [1, {"y": None}]}, only=("main",))
    assert load_options(dump(run)) == run


def test_a_lone_script_is_a_pipeline_of_its_own(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "scripts").mkdir()
    script = tmp_path / "scripts/hello.py"
    script.write_text("print(1)\n")
    loaded = standalone.load(script)
    (spec,) = build(loaded.pipeline, options()).assets
    assert (spec.pipeline, spec.name, spec.steps) == (
        "standalone-python-hello",
        "hello",
        ("script",),
    )
    assert (spec.path, spec.body_path) == ("scripts/hello.py", "scripts/hello.py")
    script.write_text('"""@bruin\nimage: python:3.12\n@bruin"""\nprint(1)\n')
    (spec,) = build(standalone.load(script).pipeline, options()).assets
    assert (spec.name, spec.python) == ("hello", "3.12")


def test_a_uri_dependency_is_nobody_to_wait_for() -> None:
    outside = Dependency(value="external://x", type="uri")
    one = Asset(name="a", type="python", path="assets/a.py", depends=(outside,))
    assert _spec(one).upstreams == ()
