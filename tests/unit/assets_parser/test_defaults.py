"""What `default:` does to assets, and what the fixed load order means."""

from pathlib import Path

from assets_parser.model import Asset, Secret
from assets_parser.pipeline import load
from tests.support.written import block, write


def loaded(root: Path, default: str, header: str) -> Asset:
    """The one asset of a pipeline with these defaults."""
    text = "name: shop\ndefault:\n" + "\n".join("  " + line for line in default.splitlines())
    result = load(write(root, {"pipeline.yml": text, "assets/a.py": block(header)}))
    assert result.faults == ()
    return result.pipeline.assets[0]


def test_a_default_type_does_not_reach_python_files(tmp_path: Path) -> None:
    """Their type is known before defaults apply."""
    assert loaded(tmp_path, "type: duckdb.sql", "name: a").type == "python"


def test_a_default_connection_becomes_a_secret(tmp_path: Path) -> None:
    """After the defaults, under its own name."""
    secrets = loaded(tmp_path, "connection: dw\nsecrets:\n  - key: crm", "name: a").secrets
    assert [(secret.key, secret.inject_as) for secret in secrets] == [("crm", "crm"), ("dw", "dw")]
    assert isinstance(secrets[0], Secret)


def test_maps_are_merged_and_the_asset_wins(tmp_path: Path) -> None:
    """Key by key, at the top level."""
    asset = loaded(tmp_path, "parameters: {a: 1, b: 1}", "parameters: {b: 2, c: 2}")
    assert asset.parameters == {"a": 1, "b": 2, "c": 2}


def test_assets_do_not_share_what_they_inherit(tmp_path: Path) -> None:
    """Filling one asset must not change the next."""
    default = "columns:\n  - name: id\n    type: integer"
    files = {
        "pipeline.yml": "name: s\ndefault:\n  " + default.replace("\n", "\n  "),
        "assets/a.py": block("columns:\n  - name: ID\n    tags: [x]"),
        "assets/b.py": block("owner: ann"),
    }
    one, two = load(write(tmp_path, files)).pipeline.assets
    assert [(column.name, column.type) for column in one.columns] == [("ID", "integer")]
    assert [(column.name, column.tags) for column in two.columns] == [("id", ())]


def test_a_cooldown_of_minus_one_means_at_once(tmp_path: Path) -> None:
    """0 means that nothing is asked for."""
    assert loaded(tmp_path, "rerun_cooldown: 60", "rerun_cooldown: -1").retries_delay == 0
    assert loaded(tmp_path, "rerun_cooldown: 60", "rerun_cooldown: 0").retries_delay is None
    assert loaded(tmp_path, "rerun_cooldown: 60", "name: a").retries_delay == 60


def test_a_check_that_asset_and_defaults_name_is_filled_in(tmp_path: Path) -> None:
    """What the asset says stays."""
    default = """
columns:
  - name: Price
    upstreams: [{table: t, column: a}, {table: t, column: b}]
    checks:
      - {name: min, value: 0, blocking: false, description: not negative, retries: 2}
      - {name: unique}
"""
    own = """
columns:
  - name: price
    upstreams: [{table: t, column: b}]
    checks: [{name: min, description: own}]
  - name: PRICE
"""
    one, two = loaded(tmp_path, default, own).columns
    assert [(up.table, up.column) for up in one.upstreams] == [("t", "b"), ("t", "a")]
    first, second = one.checks
    filled = (first.value, first.blocking, first.description, first.retries)
    assert filled == (0, False, "own", 2)
    assert second.name == "unique"
    assert two.checks == ()  # only the first column of a name is filled


def test_one_default_secret_may_have_two_names(tmp_path: Path) -> None:
    """The asset's process sees both."""
    default = "secrets: [{key: dw, inject_as: A}, {key: dw, inject_as: B}]"
    assert [secret.inject_as for secret in loaded(tmp_path, default, "name: a").secrets] == [
        "A",
        "B",
    ]
    own = loaded(tmp_path, default, "secrets: [{key: dw, inject_as: C}]").secrets
    assert [secret.inject_as for secret in own] == ["C"]


def test_what_reaches_no_asset_is_checked_in_the_defaults_too(tmp_path: Path) -> None:
    """A wrong value is an error, a right one a warning."""
    text = "name: s\ndefault:\n  enabled: maybe\n  uri: x\n  name: [a]\n"
    faults = load(write(tmp_path, {"pipeline.yml": text})).faults
    assert [
        (fault.line, fault.severity.value) for fault in faults if "default" not in str(fault)
    ] == [
        (3, "error"),
        (5, "error"),
    ]
    assert [fault.line for fault in faults if fault.rule == "unknown-pipeline-fields"] == [3, 4, 5]
