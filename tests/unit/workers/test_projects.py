"""What a pyproject.toml asks for, and when that changes."""

from pathlib import Path

import pytest

from workers import projects
from workers.errors import StepFailed
from workers.requirements import Needs

HEAD = "[project]\nname = 'shop'\nversion = '0'\n"
BUILD = "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"


def needs(folder: Path, text: str = HEAD) -> Needs:
    """What a pyproject.toml with this text asks for."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text)
    return projects.of_file(folder / "pyproject.toml")


def test_the_lock_counts(tmp_path: Path) -> None:
    """Its every change is another environment."""
    first = needs(tmp_path)
    (tmp_path / "uv.lock").write_text("version = 1\n")
    second = needs(tmp_path)
    assert (first.lock, second.lock) == (None, tmp_path / "uv.lock")
    assert first.digest != second.digest


def test_the_same_project_in_another_folder_is_the_same_unless_folders_matter(
    tmp_path: Path,
) -> None:
    """Only what is installed from its folder is bound to it."""
    assert needs(tmp_path / "a").digest == needs(tmp_path / "b").digest
    assert needs(tmp_path / "a", HEAD + BUILD).digest != needs(tmp_path / "b", HEAD + BUILD).digest


@pytest.mark.parametrize(
    ("text", "packaged"),
    [
        (HEAD, False),
        (HEAD + BUILD, True),
        (HEAD + BUILD + "[tool.uv]\npackage = false\n", False),
        (HEAD + "[tool.uv]\npackage = true\n", True),
    ],
)
def test_a_project_is_a_package_as_uv_sees_it(tmp_path: Path, text: str, packaged: bool) -> None:
    """By its build-system, unless tool.uv.package says otherwise."""
    assert needs(tmp_path, text).packaged is packaged


def test_local_packages_and_members_of_the_workspace_count(tmp_path: Path) -> None:
    """A change of theirs is noticed, wherever the asset's own pyproject.toml is."""
    root = HEAD.replace("shop", "all") + "[tool.uv.workspace]\nmembers = ['parts/*']\n"
    needs(tmp_path, root)
    needs(tmp_path / "parts" / "words")
    needs(tmp_path / "lib")
    own = HEAD + "[tool.uv.sources]\nlib = [{path = '../../lib', editable = true}]\n"
    seen = [needs(tmp_path / "parts" / "shop", own).digest]
    for folder in ("parts/words", "lib", "."):
        file = tmp_path / folder / "pyproject.toml"
        file.write_text(file.read_text() + "# more\n[tool.other]\n")
        seen.append(needs(tmp_path / "parts" / "shop", own).digest)
    assert len(set(seen)) == len(seen)


def test_a_workspace_beyond_the_repository_does_not_count(tmp_path: Path) -> None:
    """Its lock is not the project's."""
    needs(tmp_path, HEAD + "[tool.uv.workspace]\nmembers = ['*']\n")
    (tmp_path / "uv.lock").write_text("")
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    assert needs(tmp_path / "repo").lock is None


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "[tool.uv.workspace]\nmembers = ['/etc']\n",
        HEAD + "[tool.uv.workspace]\nmembers = ['']\n",
        "tool = 5\n[project]\nname = 'x'\n",
        HEAD + "[tool]\nuv = 'x'\n",
        HEAD + "[tool.uv]\nsources = []\nworkspace = 'x'\n",
        HEAD + "[tool.uv.sources]\na = 5\nb = {path = 5}\nc = ['x']\n",
        "[project",
        "a = " + "[" * 5000,
    ],
)
def test_a_strange_file_is_read_or_refused(tmp_path: Path, text: str) -> None:
    """Never a crash: uv says the rest."""
    try:
        assert needs(tmp_path, text).kind == "pyproject"
    except StepFailed as failure:
        assert failure.kind == "env"


def test_only_a_notice_is_taken_for_one() -> None:
    """The first line of a text that was resolved beside a stale lock."""
    assert projects.notice(f"{projects.NOTICE}be careful\na==1\n") == "be careful"
    assert projects.notice(f"{projects.LOCKED}\na==1\n") == ""
    assert projects.notice("") == ""
