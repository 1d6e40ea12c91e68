"""The pages for people keep up with the code: every setting and every verb is in them."""

import dataclasses
import re
from pathlib import Path

import click
import pytest

from dispatcher.cli import cli
from workers.settings import Settings

SETTINGS = [f.name for f in dataclasses.fields(Settings)]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_stands_in_the_configuration_page(name: str, project_root: Path) -> None:
    """A setting that nobody can read about is of no use."""
    assert f"| `{name}` |" in (project_root / "docs/configuration.md").read_text()


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"])
def test_links_between_pages_lead_somewhere(page: str, project_root: Path) -> None:
    """Every relative link names a file of the project."""
    text = (project_root / page).read_text()
    dead = [target for target in LINK.findall(text) if not (project_root / target).exists()]
    assert not dead


def test_the_readme_names_only_verbs_that_exist(project_root: Path) -> None:
    """Commands that people copy from the README are commands."""
    text = (project_root / "README.md").read_text()
    words = re.findall(r"^\s+(?:uv run )?fleet (\w+)", text, re.MULTILINE)
    known = set(cli.list_commands(click.Context(cli)))
    assert words
    assert set(words) <= known
