"""dispatcher.withheld: what assets read of the caller's environment and will not see."""

from pathlib import Path

from assets_parser import imports
from assets_parser.model import Secret
from assets_parser.spec import AssetSpec
from dispatcher import withheld


def spec(name: str, *reads: str, secrets: tuple[Secret, ...] = ()) -> AssetSpec:
    """A script that reads these variables."""
    return AssetSpec(
        pipeline="shop",
        name=name,
        type="python",
        path=f"assets/{name}.py",
        steps=("script",),
        reads=reads,
        secrets=secrets,
        environment={"BRUIN_PIPELINE": "shop"},
    )


def test_a_variable_that_is_set_and_read_but_not_declared_is_named_once() -> None:
    assets = [spec("a", "REGION", "HOME", "BRUIN_PIPELINE"), spec("b", "REGION", "UNSET")]
    environ = {"REGION": "fr", "HOME": "/home/x", "BRUIN_PIPELINE": "", "OTHER": "1"}
    (note,) = withheld.notes(assets, environ, ())
    assert note.startswith("REGION is set here, but a and 1 more, which read it, will not see it")
    assert "fr" not in note.split()  # never a value


def test_what_an_asset_declares_it_sees() -> None:
    declared = Secret(key="place", inject_as="REGION")
    assert not list(
        withheld.notes([spec("a", "REGION", secrets=(declared,))], {"REGION": "fr"}, ())
    )


def test_what_workers_pass_on_it_sees() -> None:
    assert not list(withheld.notes([spec("a", "REGION")], {"REGION": "fr"}, ("REGION",)))


def test_reads_are_found_in_the_modules_of_the_project_too(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text('import os\nR = os.environ.get("REGION", "us")\n')
    source = (
        "import os, settings\n"
        "token = os.environ['TOKEN']\n"
        "if os.environ['MODE'] == 'x': os.environ['SET'] = '1'\n"
        'level = os.getenv(\n    "LEVEL"\n)\n'
    )
    found = imports.of(source, tmp_path, tmp_path).reads
    assert found == ("LEVEL", "MODE", "REGION", "TOKEN")
