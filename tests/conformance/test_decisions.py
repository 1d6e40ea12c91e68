"""Decisions about the cases of the pack: each names one, and stands in docs/differences.md."""

from pathlib import Path

from tests.support import pack

FILES = ("definitions", "pipelines", "discovery", "jinja", "cron", "execution")


def test_every_decision_is_about_a_case_of_the_pack() -> None:
    """A misspelt id would decide nothing. Another pack may hold fewer cases."""
    known = {case["id"] for name in FILES for case in pack.cases(f"{name}.jsonl")}
    if pack.folder() == pack.GOLDEN:
        assert set(pack.decisions()) <= known


def test_every_decision_stands_in_the_page_about_differences(project_root: Path) -> None:
    """What we decided is said to those who come from Bruin."""
    page = (project_root / "docs/differences.md").read_text("utf-8")
    assert [name for name in pack.decisions() if f"`{name}`" not in page] == []
