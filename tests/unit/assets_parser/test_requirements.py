"""Which file names an asset's packages."""

from pathlib import Path

import pytest

from assets_parser.faults import DefinitionError
from assets_parser.requirements import find, requires_python

PROJECT = "[project]\nname = 'shop'\nrequires-python = '>=3.12'\n"


def lay(root: Path, **texts: str) -> Path:
    """Writes the files (`__` for slash, `_dot_` for dot) and gives the asset's path."""
    for name, text in texts.items():
        file = root / name.replace("__", "/").replace("_dot_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    (root / "p/assets").mkdir(parents=True, exist_ok=True)
    return root / "p/assets/a.py"


def found(root: Path, **texts: str) -> str:
    """What is found, as kind and path."""
    requirements = find(lay(root, **texts), root)
    return f"{requirements.kind} {requirements.path}" if requirements else ""


def test_the_closest_requirements_file_wins(tmp_path: Path) -> None:
    texts = {"requirements_dot_txt": "", "p__requirements_dot_txt": ""}
    assert found(tmp_path, **texts) == "requirements p/requirements.txt"


def test_requirements_further_up_win_over_a_closer_pyproject(tmp_path: Path) -> None:
    texts = {"requirements_dot_txt": "", "p__pyproject_dot_toml": PROJECT}
    assert found(tmp_path, **texts) == "requirements requirements.txt"


def test_without_requirements_the_closest_pyproject_counts(tmp_path: Path) -> None:
    texts = {"pyproject_dot_toml": PROJECT, "p__pyproject_dot_toml": PROJECT}
    assert found(tmp_path, **texts) == "pyproject p/pyproject.toml"


def test_a_pyproject_that_only_configures_tools_does_not_count(tmp_path: Path) -> None:
    assert found(tmp_path, pyproject_dot_toml="[tool.ruff]\nline-length = 100\n") == ""


def test_nothing_above_the_project_root_counts(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("", "utf-8")
    assert find(lay(tmp_path / "project"), tmp_path / "project") is None


def test_requires_python_is_read_from_the_pyproject(tmp_path: Path) -> None:
    asset = lay(tmp_path, pyproject_dot_toml=PROJECT)
    assert requires_python(find(asset, tmp_path), tmp_path) == ">=3.12"
    assert requires_python(None, tmp_path) == ""


@pytest.mark.parametrize("text", ["[project", "x = [" * 5000, "\0"])
def test_a_broken_pyproject_is_a_fault_of_that_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(DefinitionError, match=r"^pyproject\.toml"):
        find(lay(tmp_path, pyproject_dot_toml=text), tmp_path)
