"""Loading a pipeline: faults of all files together, in load order."""

from pathlib import Path

import pytest

from assets_parser.faults import DefinitionError
from assets_parser.pipeline import load
from tests.support.written import block, places, write


def test_the_faults_of_all_files_are_gathered(tmp_path: Path) -> None:
    """One broken file does not hide the next; what can be read is read."""
    write(
        tmp_path,
        {
            "pipeline.yml": "name: shop\nretries: many\n",
            "assets/a.py": block("name: [x]"),
            "assets/b.py": block("name: b\nretries: 1.5"),
            "assets/good.py": block("name: good"),
        },
    )
    loaded = load(tmp_path)
    assert places(loaded.faults) == [
        ("pipeline.yml", 2, "field"),
        ("assets/a.py", 2, "field"),
        ("assets/b.py", 3, "field"),
    ]
    assert [asset.name for asset in loaded.pipeline.assets] == ["good"]
    assert [fault.asset for fault in loaded.faults] == ["", "a", "b"]


def test_a_broken_pipeline_file_still_shows_the_faults_of_its_assets(tmp_path: Path) -> None:
    """One command tells everything."""
    files = {"pipeline.yml": "name: a: b\n", "assets/a.py": block("tags: x")}
    loaded = load(write(tmp_path, files))
    assert [fault.file for fault in loaded.errors] == ["pipeline.yml", "assets/a.py"]


def test_the_pipeline_file_may_be_named_itself(tmp_path: Path) -> None:
    """As `bruin run path/pipeline.yml` does it."""
    write(tmp_path, {"pipeline.yml": "name: shop\n"})
    assert load(tmp_path / "pipeline.yml").pipeline.name == "shop"


def test_a_folder_without_a_pipeline_is_a_clear_error(tmp_path: Path) -> None:
    """The only case in which load raises."""
    with pytest.raises(DefinitionError, match=r"no pipeline\.yml in"):
        load(tmp_path)


def test_a_root_with_links_in_its_path_is_the_same_root(tmp_path: Path) -> None:
    """macOS has /tmp as a link."""
    real = write(
        tmp_path / "real",
        {"flows/pipeline.yml": "name: f\n", "flows/assets/a.py": block("owner: x")},
    )
    (tmp_path / "link").symlink_to(real)
    loaded = load(tmp_path / "link" / "flows", root=real)
    assert [asset.path for asset in loaded.pipeline.assets] == ["flows/assets/a.py"]
    assert loaded.pipeline.path == "flows/pipeline.yml"


def test_a_plain_yaml_file_among_the_assets_is_warned_about(tmp_path: Path) -> None:
    """Forgetting `.asset` makes an asset vanish."""
    write(tmp_path, {"pipeline.yml": "name: shop\n", "assets/a.yml": "name: a\ntype: python\n"})
    assert [fault.rule for fault in load(tmp_path).faults] == ["plain-yaml-files"]


def test_a_key_of_default_that_is_not_inherited_is_warned_about(tmp_path: Path) -> None:
    """Bruin says nothing there."""
    write(tmp_path, {"pipeline.yml": "name: shop\ndefault:\n  onwer: ann\n"})
    loaded = load(tmp_path)
    assert loaded.faults[0].hint == "did you mean 'owner'?"
    assert loaded.pipeline.unknown_fields == ()
