"""dispatcher.changes: what git says changed, in real repositories."""

import subprocess
from pathlib import Path

import pytest

from dispatcher.changes import since_default_branch
from dispatcher.problems import FleetError


def _git(root: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    argv = ["git", *who, "-C", str(root), *arguments]
    subprocess.run(argv, check=True, capture_output=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one commit on main and a branch for work."""
    root = tmp_path / "project"
    (root / "flow").mkdir(parents=True)
    (root / "flow/a b.py").write_text("1")
    (root / "other.py").write_text("1")
    _git(tmp_path, "init", "-b", "main", str(root))
    _git(root, "add", ".")
    _git(root, "commit", "-m", "all")
    _git(root, "checkout", "-b", "work")
    return root


def test_without_a_change_nothing_is_modified(root: Path) -> None:
    assert since_default_branch(root) == frozenset()


def test_committed_staged_edited_and_new_files_count(root: Path) -> None:
    (root / "flow/a b.py").write_text("2")
    _git(root, "commit", "-am", "one")
    (root / "other.py").write_text("2")
    _git(root, "add", "other.py")
    (root / "flow/ü.py").write_text("1")
    assert since_default_branch(root) == {"flow/a b.py", "other.py", "flow/ü.py"}


def test_names_are_relative_to_the_project_within_a_larger_repository(root: Path) -> None:
    (root / "flow/a b.py").write_text("2")
    (root / "other.py").write_text("2")
    assert since_default_branch(root / "flow") == {"a b.py"}


def test_what_others_did_on_the_default_branch_does_not_count(root: Path) -> None:
    _git(root, "checkout", "main")
    (root / "other.py").write_text("3")
    _git(root, "commit", "-am", "theirs")
    _git(root, "checkout", "work")
    assert since_default_branch(root) == frozenset()


def test_the_remotes_default_branch_counts_more_than_the_local_one(root: Path) -> None:
    _git(root, "update-ref", "refs/remotes/origin/main", "main")
    _git(root, "checkout", "main")
    (root / "other.py").write_text("3")
    _git(root, "commit", "-am", "not pushed yet")
    assert since_default_branch(root) == {"other.py"}


def test_without_git_or_a_default_branch_the_reason_is_told(root: Path, tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="needs a git repository"):
        since_default_branch(tmp_path)
    _git(root, "branch", "-D", "main")
    with pytest.raises(FleetError, match="there is no main or master here"):
        since_default_branch(root)
