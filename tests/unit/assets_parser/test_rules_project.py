"""Rules about a project: folders, glossary, intervals, packages, uris, connections, policy."""

from pathlib import Path

import pytest

from assets_parser import config
from assets_parser.pipeline import load
from assets_parser.rules import uris, used_connections
from tests.support.faults import SHOP, said, said_of, sql, yaml
from tests.support.written import block, write

_ASSET = {"assets/b.sql": sql("")}


def test_assets_in_folders_that_are_passed_over_are_warned_about(tmp_path: Path) -> None:
    files = {
        **_ASSET,
        "assets/build/c.py": block("name: c"),
        "assets/x/target/d.asset.yml": yaml("empty"),
        "assets/dist/notes.txt": "nothing",
        "assets/node_modules/e.py": block("name: e"),
    }
    assert said(tmp_path, files) == [
        "assets/build/c.py:1:1 warning skipped-folder assets in a folder 'build' are not read "
        "(give the folder another name)",
        "assets/x/target/d.asset.yml:1:1 warning skipped-folder assets in a folder 'target' are "
        "not read (give the folder another name)",
    ]
    assert said(tmp_path, files, slow=False) == []


def test_a_plain_yaml_file_is_warned_about(tmp_path: Path) -> None:
    assert said(tmp_path, {**_ASSET, "assets/c.yml": "a: 1\n"}) == [
        "assets/c.yml warning plain-yaml-files a plain YAML file defines no asset "
        "(name it *.asset.yml if it defines an asset)"
    ]


def test_unknown_keys_are_told_apart(tmp_path: Path) -> None:
    files = {"pipeline.yml": SHOP + "shedule: daily\n", "assets/b.sql": sql("ownr: me")}
    assert said(tmp_path, files) == [
        "assets/b.sql:4:1 warning unknown-asset-fields the key 'ownr' is not known here "
        "(did you mean 'owner'?)",
        "pipeline.yml:3:1 warning unknown-pipeline-fields the key 'shedule' is not known here "
        "(did you mean 'schedule'?)",
    ]


def test_a_domain_has_a_parent_that_is_there(tmp_path: Path) -> None:
    words = "domains:\n  sales: {parent_domain: bussiness}\n  business: {}\n"
    assert said(tmp_path, {**_ASSET, "glossary.yml": words}) == [
        "glossary.yml:2:26 error valid-parent-domains 'bussiness', the parent of domain 'sales', "
        "is not in the glossary (did you mean 'business'?)"
    ]


def test_a_column_extends_what_the_glossary_has(tmp_path: Path) -> None:
    assert said_of(tmp_path, "b.sql", sql("columns:\n  - {name: id, extends: Customer.Id}")) == [
        "5:12 error valid-entity-references column 'id' extends 'Customer.Id': no such entity "
        "(entities are declared in a glossary.yml in the project's root)"
    ]


def test_an_interval_does_not_end_before_it_starts(tmp_path: Path) -> None:
    modifiers = "interval_modifiers:\n  start: 3d\n  end: 1d"
    (found,) = said_of(tmp_path, "b.sql", sql(modifiers))
    assert found.startswith(
        "4:1 error valid-time-interval the interval modifiers cannot be applied: "
        "the interval starts at "
    )
    assert said_of(tmp_path, "b.sql", sql("interval_modifiers: {start: -2d}")) == []


def test_a_pyproject_that_cannot_be_read_is_said_once(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": "[project\n",
        "assets/b.py": block("name: b"),
        "assets/c.py": block("name: c"),
    }
    (found,) = said(tmp_path, files)
    assert found.startswith("pyproject.toml error pyproject cannot be read: ")
    assert said(tmp_path, files, slow=False) == []


def test_a_default_timeout_below_a_second_is_refused(tmp_path: Path) -> None:
    pipeline = SHOP + "default:\n  timeout: 500ms\n"
    found = said(tmp_path, {**_ASSET, "pipeline.yml": pipeline})
    assert (
        "pipeline.yml:4:3 error valid-timeout a default timeout below one second stops every asset "
        "before it has begun"
    ) in found


def test_notifications_of_a_check_are_looked_at(tmp_path: Path) -> None:
    check = "{name: not_null, notifications: {slack: [{channel: a}, {channel: '#a'}]}}"
    header = f"columns:\n  - name: id\n    checks:\n      - {check}"
    assert said_of(tmp_path, "b.sql", sql(header)) == [
        "7:16 error valid-asset-notifications check 'not_null': slack channel 'a' is named more "
        "than once"
    ]


def test_uris_belong_to_one_asset_each(tmp_path: Path) -> None:
    pipelines = []
    for name, header in (
        ("one", "uri: s3://x"),
        ("two", "uri: s3://x\ndepends: [{uri: s3://y}, {uri: s3://x}]"),
    ):
        files = {f"{name}/pipeline.yml": SHOP, f"{name}/assets/b.sql": sql(header)}
        pipelines.append(load(write(tmp_path, {".git/HEAD": "", **files}) / name).pipeline)
    assert [str(fault) for _pipeline, fault in uris.check(pipelines)] == [
        "one/assets/b.sql:4 warning cross-pipeline-uri-dependencies 's3://x' is also the uri of "
        "a.b (each asset needs one of its own)",
        "two/assets/b.sql:5 warning cross-pipeline-uri-dependencies no asset has the uri 's3://y' "
        "(did you mean 's3://x'?)",
    ]


def _connections(tmp_path: Path, text: str, *, name: str = "b.sql") -> list[str]:
    write(tmp_path, {".git/HEAD": "", "pipeline.yml": SHOP, f"assets/{name}": text})
    found = config.load(tmp_path, {})
    faults = used_connections.check(
        load(tmp_path).pipeline, found.environment(), exists=found.exists
    )
    return [str(fault).removeprefix(f"assets/{name}:") for fault in faults]


_CONFIG = "environments: {default: {connections: {duckdb: [{name: db, path: a.db}]}}}\n"


def test_connections_that_assets_use_are_in_the_environment(tmp_path: Path) -> None:
    write(tmp_path, {".bruin.yml": _CONFIG})
    assert _connections(tmp_path, sql("")) == []
    assert _connections(tmp_path, sql("connection: dbs\nsecrets:\n  - key: token")) == [
        "4 error unknown-connection environment 'default' has no connection 'dbs' "
        "(did you mean 'db'?)",
        "6 error unknown-connection environment 'default' has no connection 'token' "
        "(add it to .bruin.yml)",
    ]
    (tmp_path / "assets/b.sql").unlink()
    source = "parameters: {source_connection: src, source_table: t, destination: duckdb}\n"
    assert _connections(tmp_path, yaml("ingestr", source), name="b.asset.yml") == [
        "3 error unknown-connection environment 'default' has no connection 'src' "
        "(add it to .bruin.yml)"
    ]


def test_without_a_file_connections_are_only_warned_about(tmp_path: Path) -> None:
    assert _connections(tmp_path, sql("")) == [
        "3 warning unknown-connection there is no .bruin.yml: no 'db' (add it to .bruin.yml)"
    ]
    assert _connections(tmp_path, block("name: a.b"), name="c.py")[1:] == []


_POLICY = """\
custom_rules:
  - name: team-mail
    description: owners are mail addresses
    criteria: asset.Owner matches "^[a-z]+@x\\\\.io$"
  - name: acme
    description: pipelines begin with acme
    criteria: pipeline.Name startsWith "acme"
    target: pipeline
rulesets:
  - name: std
    selector:
      - path: .*/assets/mart/.*
      - tag: crit
    rules:
      - asset-has-description
      - team-mail
  - name: all
    rules: [acme, pipeline-has-retries, asset-has-tags]
"""


def test_a_policy_applies_its_rules_to_what_it_selects(tmp_path: Path) -> None:
    header = "owner: me\ntags: [critical]"
    files = {
        "policy.yml": _POLICY,
        "assets/mart/b.sql": sql(header),
        "assets/raw/c.sql": sql(header).replace("a.b", "a.c"),
        "assets/mart/d.sql": sql("tags: [other]").replace("a.b", "a.d"),
    }
    assert said(tmp_path, files) == [
        "assets/mart/b.sql:2:1 error policy:std:asset-has-description the asset has no description",
        "assets/mart/b.sql:2:1 error policy:std:team-mail owners are mail addresses "
        "(see policy.yml:2)",
        "pipeline.yml:1:1 error policy:all:acme pipelines begin with acme",
        "pipeline.yml:1:1 error policy:all:pipeline-has-retries the pipeline's retries are not "
        "above 0",
    ]


@pytest.mark.parametrize(
    ("policy", "line"),
    [
        ("rulesets: [{rules: [asset-has-tags]}]\n", "1:1 error policy a ruleset has no name"),
        ("rulesets: [{name: a}]\n", "1:19 error policy the ruleset 'a' has no rules"),
        (
            "rulesets: [{name: a b, rules: [asset-has-tags]}]\n",
            "1:19 error policy 'a b' is not a name (letters, digits and -)",
        ),
        (
            "rulesets: [{name: a, rules: [asset-has-tag]}]\n",
            "1:30 error policy there is no rule 'asset-has-tag' (did you mean 'asset-has-tags'?)",
        ),
        (
            "rulesets: [{name: a, rules: [asset-has-tags], selector: [{tags: x}]}]\n",
            "1:59 error policy 'tags' selects nothing (did you mean 'tag'?)",
        ),
        (
            "rulesets: [{name: a, rules: [asset-has-tags], selector: [{tag: '(x'}]}]\n",
            "1:64 error policy the pattern '(x' cannot be used: a '(' without its ')'",
        ),
        ("custom_rules: [{name: a, description: x}]\n", "the custom rule 'a' has no criteria"),
        (
            "custom_rules:\n  - {name: a, description: x, criteria: asset.Name ==}\n",
            "the criteria of 'a' cannot be read: it ends early",
        ),
        (
            "custom_rules: [{name: a, description: x, criteria: 'true', target: assets}]\n",
            "'assets' is not a target of rules (did you mean 'asset'?)",
        ),
        ("rulesets: 3\n", "expected a list, found '3'"),
    ],
)
def test_a_policy_that_cannot_be_read_is_an_error(tmp_path: Path, policy: str, line: str) -> None:
    (found,) = said(tmp_path, {"policy.yml": policy, "assets/b.sql": sql("tags: [x]")})
    assert found.startswith("policy.yml:")
    assert found.endswith(line)


def test_criteria_that_cannot_be_evaluated_are_an_error_of_each_asset(tmp_path: Path) -> None:
    policy = "custom_rules: [{name: a, description: x, criteria: asset.owner != ''}]\n"
    policy += "rulesets: [{name: s, rules: [a]}]\n"
    (found,) = said(tmp_path, {"policy.yml": policy, **_ASSET})
    assert found == (
        "assets/b.sql:2:7 error policy:s:a the criteria of 'a' cannot be evaluated: asset has no "
        "'owner': did you mean 'Owner'? (see policy.yml:1)"
    )


@pytest.mark.parametrize(
    ("rule", "header", "message"),
    [
        ("asset-name-is-lowercase", "owner: x", ""),
        ("asset-name-is-schema-dot-table", "owner: x", ""),
        ("asset-has-owner", "tier: 1", "the asset has no owner"),
        ("asset-has-columns", "tier: 1", "the asset has no columns"),
        ("asset-has-primary-key", "columns: [{name: a}]", "the asset has no primary key"),
        ("asset-has-checks", "columns: [{name: a}]", "the asset has no checks"),
        ("asset-has-tags", "tier: 1", "the asset has no tags"),
        ("column-has-description", "columns: [{name: a}]", "column 'a' has no description"),
        ("column-has-type", "columns: [{name: a}]", "column 'a' has no type"),
        ("column-name-is-snake-case", "columns: [{name: aB}]", "column 'aB' is not in snake_case"),
        ("column-name-is-snake-case", "columns: [{name: a_1}]", ""),
        ("column-name-is-camel-case", "columns: [{name: a_b}]", "column 'a_b' is not in camelCase"),
        (
            "description-must-not-be-placeholder",
            "description: TODO it",
            "the description says 'todo'",
        ),
        ("description-must-not-be-placeholder", "description: temperatures", ""),
        (
            "asset-has-no-cross-pipeline-dependencies",
            "depends: [{uri: a}]",
            "'a' belongs to another pipeline",
        ),
        ("pipeline-has-start-date", "tier: 1", "the pipeline has no start_date"),
        ("pipeline-has-notifications", "tier: 1", "the pipeline has no notifications"),
        ("pipeline-has-metadata-push", "tier: 1", "the pipeline does not push its metadata"),
        (
            "columns-match-query",
            "materialization: {type: table}\ncolumns: [{name: x}]",
            "columns of the query are not declared: id",
        ),
    ],
)
def test_the_rules_that_bruin_brings_along(
    tmp_path: Path, rule: str, header: str, message: str
) -> None:
    policy = f"rulesets: [{{name: s, rules: [{rule}]}}]\n"
    found = said(tmp_path, {"policy.yml": policy, "assets/b.sql": sql(header)})
    assert [one.partition(f"policy:s:{rule} ")[2] for one in found] == [message][: len(message)]


def test_types_of_columns_are_those_of_the_platform(tmp_path: Path) -> None:
    policy = "rulesets: [{name: s, rules: [column-type-is-valid-for-platform]}]\n"
    header = "columns:\n  - {name: a, type: varchar}\n  - {name: b, type: 'numeric(3, 2)'}"
    text = sql(header).replace("duckdb.sql", "bq.sql")
    (found,) = said(tmp_path, {"policy.yml": policy, "assets/b.sql": text})
    assert found.endswith("'varchar' of column 'a' is not a type of BigQuery")
