"""What `{% include %}` takes into a template: plain files of the project, and nothing else."""

from pathlib import Path

import pytest

from assets_parser.faults import DefinitionError
from assets_parser.included import Included
from assets_parser.templates import Renderer


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project beside a file that is none of its business."""
    root = tmp_path / "shop"
    (root / "sql").mkdir(parents=True)
    (root / ".git").mkdir()
    (tmp_path / "other.sql").write_text("outside")
    (root / ".env").write_text("TOKEN=x")
    (root / "sql" / "pick.sql").write_text("select {{ what }}\nfrom {{ source }}\n")
    return root


def rendered(project: Path, template: str, folder: str = "") -> str:
    """The template of an asset whose run was started in the folder."""
    renderer = Renderer({"what": "a"}, included=Included(str(project), folder))
    return renderer.render(template, file="raw.sql", line=10)


def test_a_file_sees_the_names_of_its_template_and_keeps_its_own(project: Path) -> None:
    use = "{% set source = 't' %}{% include 'sql/pick.sql' %}"
    assert rendered(project, use) == "select a\nfrom t"
    (project / "own.sql").write_text("{% set source = 'u' %}{{ source }}")
    assert rendered(project, "{% set source = 't' %}{% include 'own.sql' %}{{ source }}") == "ut"
    looped = "{% for source in ['x', 'y'] %}{% include 'sql/pick.sql' %} {% endfor %}"
    assert rendered(project, looped) == "select a\nfrom x select a\nfrom y "


def test_names_begin_where_the_command_was_called_or_in_the_root(project: Path) -> None:
    (project / "pick.sql").write_text("of the root")
    assert rendered(project, "{% set source = 't' %}{% include 'pick.sql' %}", "sql").endswith("t")
    assert rendered(project, "{% include 'pick.sql' %}", "elsewhere") == "of the root"
    assert rendered(project, "{% include 'none.sql' ignore missing %}|") == "|"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("\n{% include 'none.sql' %}", "raw.sql:11 error template include: there is no file none"),
        ("{% include '../other.sql' %}", "lies outside of the project"),
        ("{% include 'link.sql' %}", "lies outside of the project"),
        ("{% include '/etc/passwd' %}", "lies outside of the project"),
        ("{% include '.env' %}", ".env may hold secrets"),
        ("{% include 'sql/../.env' %}", "may hold secrets"),
        ("{% include 'keys/credentials.json' %}", "may hold secrets"),
        ("{% include 'server.pem' %}", "may hold secrets"),
        ("{% include 'fleet.toml' %}", "may hold secrets"),
        ("{% include 'sql' %}", "there is no file sql"),
        ("{% include 'a\0b' %}", "include: "),
        ("{% include what %}", "takes one fixed name"),
        ("{% include ['sql/pick.sql'] %}", "takes one fixed name"),
        ("{% include 'sql/pick.sql' without context %}", "no 'without context'"),
        ("\n\n{% include 'sql/pick.sql' %}", "raw.sql:12 error template 'source' is undefined"),
        ("{% include 'broken.sql' %}", "raw.sql:10 error template include: broken.sql, line 2: "),
        ("{% include 'round.sql' %}", "include: round.sql includes itself"),
        ("{% include 'long.sql' %}", "more than 200,000 characters"),
        ("{% include 'twice.sql' %}", "more than 200,000 characters"),
        ("{% include 'endless.sql' %}", "loop passes"),
        ("{% import 'sql/pick.sql' as x %}", "'import' is not allowed"),
    ],
)
def test_what_may_not_be_included_is_said_at_its_line(
    project: Path, template: str, words: str
) -> None:
    (project / "link.sql").symlink_to(project.parent / "other.sql")
    (project / "broken.sql").write_text("select 1\n{% if %}")
    (project / "round.sql").write_text("{% include 'round.sql' %}")
    (project / "long.sql").write_text("x" * 200_001)
    (project / "half.sql").write_text("x" * 120_000)
    (project / "twice.sql").write_text("{% include 'half.sql' %}{% include 'half.sql' %}")
    loop = "{% for i in range(90000) %}"
    (project / "endless.sql").write_text(loop * 2 + "{% endfor %}" * 2)
    with pytest.raises(DefinitionError) as error:
        rendered(project, template)
    assert words in str(error.value.faults[0])
