"""The pages for people keep up with the code: every setting and every verb is in them."""

import dataclasses
import re
import shlex
from pathlib import Path

import click
import pytest

from dispatcher.cli import cli
from dispatcher.commands.run import command as run
from workers.settings import Settings

SETTINGS = [f.name for f in dataclasses.fields(Settings)]
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_stands_in_the_configuration_page(name: str, project_root: Path) -> None:
    """A setting that nobody can read about is of no use."""
    assert f"| `{name}` |" in (project_root / "docs/configuration.md").read_text()


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "docs/benchmarks.md",
        "docs/coming-from-bruin.md",
        "docs/configuration.md",
        "docs/connections.md",
        "docs/deploy.md",
        "docs/differences.md",
        "docs/events.md",
        "docs/reliability.md",
        "docs/retries.md",
        "docs/schedules.md",
        "docs/secrets.md",
        "docs/security.md",
        "docs/validation.md",
    ],
)
def test_links_between_pages_lead_somewhere(page: str, project_root: Path) -> None:
    """Every relative link names a file of the project, and a heading that is there."""
    here = project_root / page
    links = [
        (here.parent / to if to else here, part) for to, part in LINK.findall(here.read_text())
    ]
    assert not [path for path, _ in links if not path.exists()]
    assert not [(path, part) for path, part in links if part and part not in _headings(path)]


def _headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made where it is read."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_figures_for_bruins_users_are_those_of_the_benchmarks(project_root: Path) -> None:
    """What is better in one page was measured in the other."""
    shown = re.findall(r"\| ([\d.]+) s[^|]*\|$", (project_root / COMING).read_text(), re.M)
    measured = re.findall(r"\| ([\d.]+)", (project_root / "docs/benchmarks.md").read_text())
    assert len(shown) > 5
    assert set(shown) <= set(measured)


def test_the_readme_names_only_verbs_that_exist(project_root: Path) -> None:
    """Commands that people copy from the README are commands."""
    text = (project_root / "README.md").read_text()
    words = re.findall(r"^\s+(?:uv run )?fleet (\w+)", text, re.MULTILINE)
    known = set(cli.list_commands(click.Context(cli)))
    assert words
    assert set(words) <= known


COMING = "docs/coming-from-bruin.md"
# of `bruin run --help`
_OF_BRUIN = """
    apply-interval-modifiers backfill-id backfill-total config-file continue debug debug-ingestr-src
    downstream end-date environment exclude-tag exp-use-winget-for-uv force full-refresh interactive
    mask-credentials minimal-logs modified no-color no-log-file no-timestamp no-validation only
    push-metadata query-annotations secrets-backend selector sensor-mode single-check start-date
    stream tag timeout use-gong use-pip var variant verbose workers
"""


def _commands(text: str) -> list[list[str]]:
    """The command lines of a page, their explanations cut off."""
    found = re.findall(r"^    fleet (.+)$", text, re.MULTILINE)
    return [shlex.split(re.split(r" {2,}", line)[0]) for line in found]


def test_the_page_for_bruins_users_has_every_flag_of_bruin_run(project_root: Path) -> None:
    """And each flag of its table is one that `fleet run` reads."""
    rows = re.findall(r"^\| (`-.+?) \|", (project_root / COMING).read_text(), re.MULTILINE)
    named = {flag for row in rows for flag in re.findall(r"`(-[^`]+)`", row)}
    assert {f"--{name}" for name in _OF_BRUIN.split()} <= named
    known = {name for option in run.params for name in (*option.opts, *option.secondary_opts)}
    assert named <= known


def test_the_commands_of_the_page_for_bruins_users_can_be_read(project_root: Path) -> None:
    """Each is a verb with arguments that it takes; what they do is tried end to end."""
    commands = _commands((project_root / COMING).read_text())
    assert len(commands) > 10
    for verb, *arguments in commands:
        command = cli.get_command(click.Context(cli), verb)
        assert command, verb
        command.make_context(verb, arguments)
