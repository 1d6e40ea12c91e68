"""`fleet validate` as people and programs call it."""

import json
from pathlib import Path
from typing import Any

import pytest

from dispatcher import cli
from tests.support.faults import SHOP, sql
from tests.support.written import write

_CONFIG = """\
environments:
  default: {connections: {duckdb: [{name: db, path: a.db}]}}
  other: {connections: {}}
"""
_PLAIN = {".git/HEAD": "", ".bruin.yml": _CONFIG, "pipeline.yml": SHOP}


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = cli.run(["validate", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def _json(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    code, out, _err = _run(capsys, *arguments, "-o", "json")
    return code, json.loads(out)


def test_a_pipeline_without_faults_is_said_to_have_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, {**_PLAIN, "assets/b.sql": sql("")})
    assert _run(capsys, tmp_path) == (0, "no faults in 1 asset\n", "")


def test_json_is_what_bruin_prints_and_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, {**_PLAIN, "pipeline.yml": SHOP + "retry: 1\n", "assets/b.sql": sql("tier: 7")})
    code, found = _json(capsys, tmp_path)
    assert code == 1
    assert found == [
        {
            "pipeline": "shop",
            "issues": {
                "a.b": [
                    {
                        "asset": "a.b",
                        "description": "tier must be between 1 and 5, it is 7",
                        "context": [],
                        "severity": "critical",
                        "rule": "valid-asset-tier",
                        "file": "assets/b.sql",
                        "line": 4,
                        "column": 1,
                    }
                ],
                "_pipeline": [
                    {
                        "asset": "",
                        "description": "the key 'retry' is not known here",
                        "context": ["did you mean 'retries'?"],
                        "severity": "warning",
                        "rule": "unknown-pipeline-fields",
                        "file": "pipeline.yml",
                        "line": 3,
                        "column": 1,
                    }
                ],
            },
        }
    ]
    assert json.loads(_run(capsys, tmp_path, "--json")[1]) == found


def test_warnings_tags_and_slow_rules_can_be_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = "tags: [old]\ninterval_modifiers: {start: 3d, end: 1d}\nownr: me"
    write(tmp_path, {**_PLAIN, "assets/b.sql": sql(slow)})
    assert _run(capsys, tmp_path)[1] == "1 error, 1 warning in 1 asset\n"
    assert _run(capsys, tmp_path, "--fast")[:2] == (0, "1 warning in 1 asset\n")
    assert _run(capsys, tmp_path, "--exclude-warnings")[:2] == (1, "1 error in 1 asset\n")
    left = _run(capsys, tmp_path, "-x", "old", "--exclude-tag=other")
    assert left[:2] == (0, "no faults in 1 asset\n")


def test_assets_that_cannot_be_read_are_counted_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unread = sql("columns: [{name: a, checks: [{name: nott_null}, {name: uniqe}]}]")
    write(tmp_path, {**_PLAIN, "assets/a.sql": sql(""), "assets/b.sql": unread})
    assert _run(capsys, tmp_path)[:2] == (1, "2 errors in 2 assets\n")


def test_quiet_shows_errors_and_the_last_line_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, {**_PLAIN, "assets/b.sql": sql("ownr: me")})
    assert _run(capsys, tmp_path, "-q") == (0, "1 warning in 1 asset\n", "")
    write(tmp_path, {"assets/b.sql": sql("ownr: me\ntier: 7")})
    code, out, err = _run(capsys, tmp_path, "-q")
    assert (code, out) == (1, "1 error, 1 warning in 1 asset\n")
    assert "tier" in err and "warning" not in err


def test_the_environment_must_have_the_connections(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {**_PLAIN, "assets/b.sql": sql(""), "else.yml": _CONFIG.replace("db", "dw")})
    code, out, err = _run(capsys, tmp_path, "-e", "other")
    assert (code, out) == (1, "1 error in 1 asset\n")
    assert "environment 'other' has no connection 'db'" in err
    assert "there is no environment 'nope'" in _run(capsys, tmp_path, "--env", "nope")[2]
    _code, _out, err = _run(capsys, tmp_path, "--config-file", tmp_path / "else.yml")
    assert "environment 'default' has no connection 'db'" in err
    monkeypatch.setenv("BRUIN_SECRETS_BACKEND", "vault")
    assert _run(capsys, tmp_path, "-e", "other")[0] == 0


def test_all_pipelines_below_a_folder_are_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = sql("uri: s3://a"), sql("depends: [{uri: s3://a}]")
    write(
        tmp_path,
        {
            ".git/HEAD": "",
            ".bruin.yml": _CONFIG,
            "one/pipeline.yml": SHOP,
            "one/assets/b.sql": one,
            "two/pipeline.yml": SHOP.replace("shop", "store"),
            "two/assets/b.sql": two,
        },
    )
    code, found = _json(capsys, tmp_path)
    assert (code, [one["pipeline"] for one in found]) == (0, ["shop", "store"])
    assert _run(capsys, tmp_path / "two")[:2] == (0, "no faults in 1 asset\n")


def test_a_pipeline_inside_another_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = {"x/one/pipeline.yml": SHOP, "x/one/two/pipeline.yml": SHOP}
    write(tmp_path, {".git/HEAD": "", **inner})
    code, _out, err = _run(capsys, tmp_path / "x")
    assert code == 1
    assert "error nested-pipelines" in err


def test_a_template_that_cannot_be_rendered_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = "select {{ var.day }} as id"
    write(tmp_path, {**_PLAIN, "assets/b.sql": sql("", query)})
    code, _out, err = _run(capsys, tmp_path)
    assert code == 1
    assert "assets/b.sql:6:1 error template" in err
    assert _run(capsys, tmp_path, "--fast")[0] == 0


def test_every_variant_is_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipeline = SHOP + "variables: {kind: {type: string, default: duckdb.sql}}\n"
    pipeline += "variants: {good: {kind: duckdb.sql}, bad: {kind: duckdb.sqll}}\n"
    text = sql("").replace("type: duckdb.sql", "type: '{{ var.kind }}'")
    write(tmp_path, {**_PLAIN, "pipeline.yml": pipeline, "assets/b.sql": text})
    code, _out, err = _run(capsys, tmp_path)
    assert code == 1
    assert "'duckdb.sqll' is not a type of asset" in err
    assert _run(capsys, tmp_path, "--variant", "good")[:2] == (0, "no faults in 1 asset\n")


def test_one_asset_is_looked_at_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = sql("tier: 8").replace("a.b", "a.c")
    write(tmp_path, {**_PLAIN, "assets/b.sql": sql("tier: 7"), "assets/c.sql": other})
    assert _run(capsys, tmp_path)[1] == "2 errors in 2 assets\n"
    assert _run(capsys, tmp_path / "assets/b.sql")[1] == "1 error in 2 assets\n"


def test_what_is_not_there_is_no_fault_of_a_pipeline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(capsys, "nowhere")[0] == 1
    assert _run(capsys, "--output", "xml")[0] == 2
