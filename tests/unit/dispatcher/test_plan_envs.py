"""dispatcher.plan_envs and what `fleet plan` says of it, on small projects."""

import io
from pathlib import Path

import pytest

from dispatcher import plan_envs, plan_text, preparing, target
from dispatcher.look import Look
from dispatcher.preparing import Prepared
from dispatcher.run_flags import RunFlags
from dispatcher.terminal import Terminal
from workers.envs import EnvStore, request_for
from workers.settings import Settings

FLAGS = RunFlags()
SCRIPT = '"""@bruin\nname: {name}\ntype: python\n{more}@bruin"""\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two scripts that share packages, one without any, one of a pyproject."""
    root = tmp_path / "repo"
    shop = root / "etl" / "shop"
    (root / ".git").mkdir(parents=True)
    for folder in ("plain", "packed", "modern"):
        (shop / "assets" / folder).mkdir(parents=True)
    (shop / "pipeline.yml").write_text("name: shop\n")
    for number, name in enumerate(("plain/a", "packed/b", "packed/c", "modern/d")):
        more = "secrets: [{key: tok}]\n" if number == 0 else ""
        text = SCRIPT.format(name=name.replace("/", "."), more=more)
        (shop / "assets" / f"{name}.py").write_text(text)
    packed = shop / "assets" / "packed"
    (packed / "requirements.txt").write_text("pandas==2.3.1\n# why\n-r more.txt\n")
    (packed / "more.txt").write_text("polars\npyarrow\n")
    (shop / "assets" / "modern" / "pyproject.toml").write_text('[project]\nname="d"\nversion="1"\n')
    return shop


def prepared(shop: Path) -> Prepared:
    """The plan of all assets."""
    terminal = Terminal(out=io.StringIO(), err=io.StringIO(), environ={})
    return preparing.prepare(target.find([str(shop)]), FLAGS, Look(terminal=terminal))


def shown(shop: Path, settings: Settings) -> str:
    """What `fleet plan` prints."""
    out = io.StringIO()
    terminal = Terminal(out=out, err=io.StringIO(), environ={})
    found = prepared(shop)
    plan_text.show(terminal, found, plan_envs.of(found.plan, settings))
    return out.getvalue()


def test_each_environment_is_named_once_with_all_its_packages(
    project: Path, tmp_path: Path
) -> None:
    text = shown(project, Settings(home=tmp_path / "home"))
    assert "pandas 2.3.1 +2" in text  # those of the included file count
    assert "assets/modern/pyproject.toml" in text
    assert "etl/shop" not in text  # paths start at the pipeline's folder
    assert "3 needed" in text
    assert "3 to build" in text


def test_what_differs_by_pyarrow_alone_is_told_apart(project: Path, tmp_path: Path) -> None:
    table = SCRIPT.format(
        name="packed.t", more="connection: duckdb-default\nmaterialization: {type: table}\n"
    )
    (project / "assets" / "packed" / "t.py").write_text(table)
    text = shown(project, Settings(home=tmp_path / "home"))
    assert "python 3.11, pandas 2.3.1 +2; python 3.11, pandas 2.3.1 +2, pyarrow" in text


def test_files_that_ask_for_the_same_need_one_environment(project: Path, tmp_path: Path) -> None:
    """Comments and blanks are no packages; an empty file is none."""
    assets = project / "assets"
    (assets / "plain" / "requirements.txt").write_text("# nothing\n")
    for name, text in (("same", "pandas==2.3.1\n\n-r more.txt\n"), ("bare", "")):
        (assets / name).mkdir()
        (assets / name / "requirements.txt").write_text(text)
        (assets / name / "more.txt").write_text("polars\npyarrow  # too\n")
        (assets / name / "x.py").write_text(SCRIPT.format(name=f"{name}.x", more=""))
    assert "3 needed" in shown(project, Settings(home=tmp_path / "home"))


def test_what_is_built_already_is_ready(project: Path, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    plan = prepared(project).plan
    plain = next(spec for spec in plan.assets if spec.name == "plain.a")
    EnvStore(settings).ensure(request_for(Path(plan.root), plain, pyarrow=False))
    assert "3 needed - 1 ready - 2 to build" in shown(project, settings)


def test_nothing_is_said_of_environments_that_other_hosts_build(
    project: Path, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / "home", broker="redis://elsewhere")
    assert [need.ready for need in plan_envs.of(prepared(project).plan, settings)] == [None] * 3


def test_packages_that_cannot_be_read_do_not_stop_a_plan(project: Path, tmp_path: Path) -> None:
    (project / "assets" / "packed" / "more.txt").write_bytes(b"pandas\xff")
    text = shown(project, Settings(home=tmp_path / "home"))
    assert "assets/packed/requirements.txt (cannot be read)" in text


def test_a_connection_that_the_environment_lacks_is_noted(project: Path, tmp_path: Path) -> None:
    (project.parents[1] / ".bruin.yml").write_text(
        "environments:\n  default:\n    connections:\n      generic:\n"
        "        - {name: token, value: x}\n"
    )
    text = shown(project, Settings(home=tmp_path / "home"))
    assert "plain.a: connection 'tok' is not in environment 'default' of .bruin.yml" in text
    assert "did you mean 'token'?" in text


def test_assets_that_nobody_asked_for_are_counted(project: Path) -> None:
    out = io.StringIO()
    terminal = Terminal(out=out, err=io.StringIO(), environ={})
    aim = target.find([str(project), "plain.a"])
    found = preparing.prepare(aim, FLAGS, Look(terminal=terminal))
    plan_text.show(terminal, found, [])
    assert "3 assets  skipped: not selected" in out.getvalue()
