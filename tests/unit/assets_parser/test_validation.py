"""The rules, on values and on the recorded cases."""

from pathlib import Path
from typing import Any

import pytest

from assets_parser.faults import DefinitionError, Fault, Severity
from assets_parser.model import (
    Check,
    Column,
    CustomCheck,
    ForeignKey,
    Hooks,
    Materialization,
    Notification,
    Secret,
)
from assets_parser.pipeline import load
from assets_parser.validation import errors, report, validate
from tests.support import pack
from tests.support.layout import lay_out
from tests.support.pipelines import asset, pipeline

_TABLE = Materialization(type="table")


def _table(**fields: Any) -> Materialization:
    return Materialization(type="table", **fields)


def _rules(*faults: Fault) -> list[str]:
    """Rules of the faults, without the warning that the made-up pipeline has no folder."""
    return [one.rule for one in faults if one.rule != "assets-directory-exist"]


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        ("task-name-valid", {"name": "raw orders"}),
        ("task-name-valid", {"name": "raw.größe"}),
        ("valid-task-type", {"type": ""}),
        ("valid-task-type", {"type": "duckdb.sqll"}),
        ("valid-task-type", {"type": "motherduck.sql"}),
        ("assets-python-validation", {"materialization": _TABLE}),
        ("assets-python-validation", {"materialization": Materialization(type="tabel")}),
        (
            "assets-python-validation",
            {"connection": "db", "materialization": _table(strategy="overwrite")},
        ),
        (
            "assets-python-validation",
            {"connection": "db", "materialization": _table(incremental_predicate="x > 1")},
        ),
        ("script-hooks-unsupported", {"hooks": Hooks(pre=("select 1",))}),
        ("secret-mapping-key-exists", {"secrets": (Secret(key=" ", inject_as="X"),)}),
        ("custom-check-query-exists", {"custom_checks": (CustomCheck(name="a", query="  "),)}),
        ("duplicate-column-names", {"columns": (Column(name="id"), Column(name="ID"))}),
        ("duplicate-tags", {"tags": ("a", "A")}),
        ("duplicate-tags", {"columns": (Column(name="id", tags=("a", "a")),)}),
        ("valid-column-metadata", {"columns": (Column(name="id", precision=0),)}),
        ("valid-column-metadata", {"columns": (Column(name="id", precision=2, scale=3),)}),
        (
            "valid-column-metadata",
            {"columns": (Column(name="id", checks=(Check(name="relationships"),)),)},
        ),
        (
            "valid-column-metadata",
            {"columns": (Column(name="id", foreign_key=ForeignKey(table="x.y", column="id")),)},
        ),
        ("valid-asset-start-date", {"start_date": "01.02.2024"}),
        ("valid-asset-tier", {"tier": 6}),
        ("valid-fleet-rerun", {"meta": {"fleet_rerun": "nevr"}}),
        (
            "valid-asset-notifications",
            {"notifications": (Notification(service="slack", target=("#",)),)},
        ),
    ],
)
def test_an_asset_that_breaks_one_rule_is_an_error_of_that_rule(
    rule: str, fields: dict[str, Any]
) -> None:
    one = asset(fields.pop("name", "raw.orders"), **fields)
    assert _rules(*errors(validate(pipeline(one)))) == [rule]


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        ("valid-pipeline-name", {"name": ""}),
        ("valid-pipeline-name", {"name": "my shop"}),
        ("valid-pipeline-schedule", {"schedule": "every day"}),
        ("valid-pipeline-start-date", {"start_date": "2024-02-30"}),
        ("valid-pipeline-concurrency", {"concurrency": -1}),
        ("valid-pipeline-max-active-steps", {"max_active_steps": 0}),
        ("valid-variables", {"variables": {"x": {"type": "string"}}}),
        (
            "valid-pipeline-notifications",
            {
                "notifications": (
                    Notification(service="slack", target=("a",)),
                    Notification(service="slack", target=("#a",)),
                )
            },
        ),
    ],
)
def test_a_pipeline_file_that_breaks_one_rule_is_an_error_of_that_rule(
    rule: str, fields: dict[str, Any]
) -> None:
    assert _rules(*errors(validate(pipeline(**fields)))) == [rule]


@pytest.mark.parametrize("schedule", ["", "continuous", "daily", "@every 5m", "0 3 * * 1-5"])
def test_a_schedule_that_bruin_reads_is_fine(schedule: str) -> None:
    assert not errors(validate(pipeline(schedule=schedule)))


@pytest.mark.parametrize(
    "fields",
    [
        {"connection": "db", "materialization": _table(strategy="merge")},
        {"connection": "db", "materialization": _table(strategy="delete+insert")},
        {"materialization": Materialization(type="view")},
        {"materialization": Materialization(strategy="append")},
        {"columns": (Column(name="a", type="varchar", checks=(Check(name="min", value=1),)),)},
        {"columns": (Column(name="a", checks=(Check(name="accepted_values", value=[]),)),)},
        {"timeout": 0.5},
    ],
)
def test_what_bruin_only_finds_out_in_the_run_is_a_warning(fields: dict[str, Any]) -> None:
    found = [f for f in validate(pipeline(asset("a.b", **fields))) if f.asset]
    assert [f.severity for f in found] == [Severity.WARNING]


def test_a_merge_of_python_says_that_it_updates_all_columns() -> None:
    columns = (Column(name="id", primary_key=True), Column(name="v", update_on_merge=True))
    merge = asset("a.b", connection="db", materialization=_table(strategy="merge"), columns=columns)
    (fault,) = [found for found in validate(pipeline(merge)) if found.asset]
    assert fault.severity is Severity.WARNING
    assert "'update_on_merge' has no effect" in fault.message


def test_two_assets_of_one_name_are_refused_with_both_files() -> None:
    twins = (asset("a.b", path="assets/x.py"), asset("a.b", path="assets/y.py"))
    (fault,) = errors(validate(pipeline(*twins)))
    assert (fault.rule, fault.file) == ("task-name-unique", "assets/y.py")
    assert "assets/x.py" in fault.hint


def test_an_unknown_dependency_names_the_nearest_asset() -> None:
    (fault,) = errors(validate(pipeline(asset("raw.orders"), asset("b", "raw.order"))))
    assert (fault.rule, fault.hint) == ("dependency-exists", "did you mean 'raw.orders'?")
    assert errors(validate(pipeline(asset("raw.orders"), asset("b", "RAW.orders"))))


def test_a_cycle_is_one_fault_that_names_every_asset() -> None:
    (fault,) = errors(validate(pipeline(asset("a", "b"), asset("b", "c"), asset("c", "~a"))))
    assert fault.rule == "acyclic-pipeline"
    assert "a -> b -> c -> a" in fault.message
    (fault,) = errors(validate(pipeline(asset("a", "a"))))
    assert fault.message == "'a' depends on itself"


def test_a_fault_points_at_the_line_and_column_of_the_word(tmp_path: Path) -> None:
    header = '"""@bruin\nname: a.b\ndepends:\n  - a.a\n  - raw.ordrs\n@bruin"""\n'
    other = '"""@bruin\nname: raw.orders\n@bruin"""\n'
    files = {"pipeline.yml": "name: shop\n", "assets/b.py": header, "assets/o.py": other}
    found = report(
        load(lay_out(files | {"assets/a.py": other.replace("raw.orders", "a.a")}, tmp_path))
    )
    assert [str(fault) for fault in found] == [
        "assets/b.py:5:5 error dependency-exists 'raw.ordrs' is not an asset of this pipeline"
        " (did you mean 'raw.orders'?)"
    ]


def test_nobody_is_blamed_for_depending_on_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    files = {
        "pipeline.yml": "name: shop\n",
        "assets/a.py": '"""@bruin\nname: a\ntags: oops\n@bruin"""\n',
        "assets/b.py": '"""@bruin\nname: b\ndepends: a\n@bruin"""\n',
    }
    found = report(load(lay_out(files, tmp_path)))
    assert [fault.file for fault in found] == ["assets/a.py"]


def test_a_pipeline_without_an_asset_folder_is_warned_about(tmp_path: Path) -> None:
    found = report(load(lay_out({"pipeline.yml": "name: shop\n"}, tmp_path)))
    assert [(one.rule, one.severity) for one in found] == [
        ("assets-directory-exist", Severity.WARNING)
    ]


def _recorded() -> list[Any]:
    """Runs of Python pipelines without flags that could be the reason of a refusal."""
    return [
        pytest.param(case, id=case["id"])
        for case in pack.cases("execution.jsonl")
        if case["id"].startswith("execution/python/") and "pipeline/pipeline.yml" in case["files"]
    ]


@pytest.mark.parametrize("case", _recorded())
def test_exactly_the_pipelines_that_bruin_refuses_are_refused(
    case: dict[str, Any], tmp_path: Path
) -> None:
    refused = case["steps"][0]["expect"].get("error_kind") == "refused"
    try:
        found = report(load(lay_out(case["files"], tmp_path) / "pipeline"))
    except DefinitionError as error:
        found = list(error.faults)
    assert bool(errors(found)) == refused, errors(found)
