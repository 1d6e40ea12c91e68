"""dispatcher.target: what the arguments of a command name."""

from pathlib import Path

import pytest

from dispatcher import target
from dispatcher.problems import FleetError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two pipelines in one repository, and a lone script."""
    (tmp_path / ".git").mkdir()
    for name in ("shop", "web"):
        (tmp_path / name / "assets").mkdir(parents=True)
        (tmp_path / name / "pipeline.yml").write_text(f"name: {name}\n")
        (tmp_path / name / "assets" / "a.py").write_text("")
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "hello.py").write_text("")
    return tmp_path


def test_a_folder_and_its_pipeline_file_name_the_pipeline(project: Path) -> None:
    assert target.find(["shop"], project).pipeline == project / "shop"
    assert target.find(["shop/pipeline.yml"], project).pipeline == project / "shop"


def test_without_arguments_it_is_the_pipeline_around_the_current_folder(project: Path) -> None:
    assert target.find([], project / "shop" / "assets").pipeline == project / "shop"
    assert target.find([""], project / "shop").pipeline == project / "shop"


def test_an_asset_file_names_its_pipeline_and_itself(project: Path) -> None:
    found = target.find(["shop/assets/a.py"], project)
    assert (found.pipeline, found.assets) == (project / "shop", ("shop/assets/a.py",))


def test_names_after_a_folder_are_assets_of_it(project: Path) -> None:
    assert target.find(["shop", "raw.a", "raw.b"], project).assets == ("raw.a", "raw.b")


def test_the_folder_of_assets_after_its_pipeline_adds_nothing(project: Path) -> None:
    found = target.find([".", "assets/"], project / "shop")
    assert (found.pipeline, found.assets) == (project / "shop", ())
    chosen = target.find(["shop", "shop/assets/a.py", "shop/assets"], project)
    assert chosen.assets == ("shop/assets/a.py",)
    with pytest.raises(FleetError, match="holds no pipeline"):
        target.find(["web", "shop/assets"], project)


def test_a_lone_script_outside_pipelines_stands_for_itself(project: Path) -> None:
    found = target.find(["scripts/hello.py"], project)
    assert found.standalone
    assert found.pipeline == project / "scripts" / "hello.py"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["scripts"], "holds no pipeline.yml"),
        (["nowhere/x"], "no file or folder nowhere/x"),
        (["raw.a"], "is no file or folder"),
        ([], "the current folder is in no pipeline"),
        (["shop", "web"], "different pipelines"),
    ],
)
def test_what_names_nothing_is_said_in_words(
    project: Path, arguments: list[str], words: str
) -> None:
    with pytest.raises(FleetError, match=words):
        target.find(arguments, project)


def test_the_hint_names_pipelines_that_are_near(project: Path) -> None:
    with pytest.raises(FleetError) as caught:
        target.find([], project)
    assert "shop" in caught.value.hint
    assert "web" in caught.value.hint


def test_a_pipeline_three_folders_down_is_near(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / "duckdb" / "taxi" / "pipeline"
    deep.mkdir(parents=True)
    (deep / "pipeline.yml").write_text("name: taxi\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FleetError) as failed:
        target.find(["."])
    assert "duckdb/taxi/pipeline" in failed.value.hint


def test_a_folder_within_a_pipeline_names_the_pipeline(project: Path) -> None:
    with pytest.raises(FleetError, match="holds no pipeline") as caught:
        target.find(["shop/assets"], project)
    assert "belongs to the pipeline in" in caught.value.hint
