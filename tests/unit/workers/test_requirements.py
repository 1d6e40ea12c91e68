"""What a requirements file asks for, and when that changes."""

from pathlib import Path

import pytest

from workers import projects, requirements
from workers.errors import StepFailed


def digest(folder: Path, text: str) -> str:
    """The digest of a requirements.txt with this text."""
    (folder / "requirements.txt").write_text(text)
    return requirements.of_file(folder / "requirements.txt").digest


def test_comments_and_blank_lines_do_not_count(tmp_path: Path) -> None:
    """A fragment in an address is no comment."""
    assert digest(tmp_path, "a==1 # x\n\n#y\n") == digest(tmp_path, "\ufeffa==1\n")
    assert digest(tmp_path, "a @ https://x/a.zip#sha256=1\n") != digest(
        tmp_path, "a @ https://x/a.zip#sha256=2\n"
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_what_windows_writes_is_read(tmp_path: Path, encoding: str) -> None:
    """PowerShell's `pip freeze > requirements.txt` is UTF-16; uv reads it too."""
    file = tmp_path / "requirements.txt"
    file.write_bytes("a==1\r\nb # x\r\n".encode(encoding))
    assert requirements.named(file) == ["a==1", "b"]


@pytest.mark.parametrize("line", ["-r more.txt", "-c more.txt", "--requirement=more.txt"])
def test_included_files_count(tmp_path: Path, line: str) -> None:
    """However the include is spelled."""
    (tmp_path / "more.txt").write_text("a==1\n")
    first = digest(tmp_path, line)
    (tmp_path / "more.txt").write_text("a==2\n")
    assert digest(tmp_path, line) != first


@pytest.mark.parametrize("line", ["./lib", "lib @ ./lib", "file:./lib", "-e ./lib"])
def test_local_packages_count(tmp_path: Path, line: str) -> None:
    """A change in their folder makes another environment."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "pyproject.toml").write_text("a")
    first = digest(tmp_path, line)
    (tmp_path / "lib" / "pyproject.toml").write_text("ab")
    assert digest(tmp_path, line) != first
    assert requirements.of_file(tmp_path / "requirements.txt").local


def test_index_options_are_kept_for_the_installer(tmp_path: Path) -> None:
    """They are no part of what is stored."""
    (tmp_path / "requirements.txt").write_text("--extra-index-url https://u:p@host/simple\na\n")
    found = requirements.of_file(tmp_path / "requirements.txt")
    assert found.options == ("--extra-index-url https://u:p@host/simple",)


def test_a_file_that_includes_itself_is_an_error(tmp_path: Path) -> None:
    """Not an endless loop."""
    with pytest.raises(StepFailed, match="includes itself"):
        digest(tmp_path, "-r requirements.txt")


def test_a_missing_include_is_an_error(tmp_path: Path) -> None:
    """It names the file."""
    with pytest.raises(StepFailed, match=r"gone\.txt"):
        digest(tmp_path, "-r gone.txt")


def test_a_pyproject_without_a_project_asks_for_nothing(tmp_path: Path) -> None:
    """One that only configures tools."""
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    assert projects.of_file(tmp_path / "pyproject.toml").kind == "none"


def test_a_pyproject_that_is_no_toml_is_an_error(tmp_path: Path) -> None:
    """It says where."""
    (tmp_path / "pyproject.toml").write_text("[project\n")
    with pytest.raises(StepFailed, match="not valid TOML"):
        projects.of_file(tmp_path / "pyproject.toml")
