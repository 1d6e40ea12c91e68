"""Where a project starts, and what lies in it."""

import os
from pathlib import Path

import pytest

from assets_parser.discovery import find_pipelines, nested, project_root, walk
from assets_parser.faults import DefinitionError
from assets_parser.pipeline import load
from tests.support.written import write


def test_the_nearest_git_folder_is_the_root(tmp_path: Path) -> None:
    """Also when a .bruin.yml is nearer."""
    write(
        tmp_path, {".git": "gitdir: elsewhere\n", "flows/.bruin.yml": "", "flows/pipeline.yml": ""}
    )
    assert project_root(tmp_path / "flows" / "pipeline.yml") == tmp_path


def test_without_git_the_nearest_configuration_is_the_root(tmp_path: Path) -> None:
    """A folder that was copied, not cloned."""
    write(tmp_path, {".bruin.yml": "", "flows/shop/pipeline.yml": ""})
    assert project_root(tmp_path / "flows" / "shop") == tmp_path


def test_a_pipeline_alone_is_a_project_of_its_own(tmp_path: Path) -> None:
    """Bruin refuses it; there is no need to."""
    write(tmp_path, {"shop/pipeline.yml": "", "shop/assets/a.py": ""})
    assert project_root(tmp_path / "shop" / "assets" / "a.py") == tmp_path / "shop"


def test_a_folder_without_any_of_them_is_a_clear_error(tmp_path: Path) -> None:
    """It says what is looked for."""
    with pytest.raises(DefinitionError, match=r"no \.git, \.bruin\.yml or pipeline\.yml"):
        project_root(tmp_path)


def test_a_pipeline_inside_another_is_named(tmp_path: Path) -> None:
    """Its assets would belong to both."""
    write(tmp_path, {"a/pipeline.yml": "", "a/b/pipeline.yml": "", "c/pipeline.yml": ""})
    pipelines = find_pipelines(tmp_path)
    assert [path.name for path in pipelines] == ["b", "a", "c"]
    assert len(nested(pipelines)) == 1


def test_links_to_folders_are_not_entered(tmp_path: Path) -> None:
    """A link to a parent would never end."""
    write(tmp_path, {"a/x.py": ""})
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert [Path(path).name for path in walk(str(tmp_path))] == ["x.py"]


def test_a_link_to_itself_and_a_pipe_are_named(tmp_path: Path) -> None:
    """Neither a traceback nor an endless wait."""
    write(tmp_path, {".git": "", "pipeline.yml": "name: s\n", "assets/b.asset.yml": "run: p"})
    (tmp_path / "assets" / "a.py").symlink_to("a.py")
    (tmp_path / "assets" / "round").symlink_to("round")
    os.mkfifo(tmp_path / "assets" / "c.sql")
    errors = load(tmp_path).errors
    assert [fault.file for fault in errors] == [
        "assets/a.py",
        "assets/b.asset.yml",
        "assets/c.sql",
    ]
