"""Folders of a project, whatever they are called: packages, near modules, children, files."""

from pathlib import Path

import pytest

from assets_parser.spec import Requirements
from tests.support.attempt import Bench, bench, shared_cache
from tests.support.wheels import wheel
from workers import resolver

HIDDEN = "fleet_test_hidden"


@pytest.fixture
def online(tmp_path: Path) -> Bench:
    """A project whose packages come from where they come from."""
    resolver._memory.clear()
    return bench(tmp_path / "online", shared_cache())


@pytest.mark.parametrize("step", ["script", "materialize"])
def test_a_top_folder_may_have_the_name_of_a_package(online: Bench, step: str) -> None:
    """`duckdb/` is the project's folder, `import duckdb` the package, and near modules are near."""
    place = online
    wheel(place.project / "wheels", HIDDEN, "1.0")
    place.write("requirements.txt", f"./wheels/{HIDDEN}-1.0-py3-none-any.whl\n")
    place.write(f"{HIDDEN}/assets/near.py", "WORD = 'near'")
    code = (
        f"import {HIDDEN} as package\nfrom . import near\n"
        "print('OUT', package.VERSION, near.WORD)\ndef materialize():\n    return [{'a': 1}]\n"
    )
    wish = Requirements(kind="requirements", path="requirements.txt")
    place.run(f"{HIDDEN}/assets/a.py", code, step=step, requirements=wish)
    assert place.log.own == ["OUT 1.0 near"]


@pytest.mark.parametrize("folder", ["plain", "with-hyphen", "2024", "v1.2", HIDDEN])
def test_spawned_children_find_the_functions_of_the_asset(online: Bench, folder: str) -> None:
    """Whatever the folder is called."""
    place = online
    wheel(place.project / "wheels", HIDDEN, "1.0")
    place.write("requirements.txt", f"./wheels/{HIDDEN}-1.0-py3-none-any.whl\n")
    code = (
        "import multiprocessing as mp\ndef twice(x):\n    return 2 * x\n"
        "if __name__ == '__main__':\n"
        "    with mp.get_context('spawn').Pool(1) as pool:\n"
        "        print('OUT', pool.map(twice, [1, 2]))\n"
    )
    wish = Requirements(kind="requirements", path="requirements.txt")
    place.run(f"{folder}/assets/a.py", code, requirements=wish, timeout=240)
    assert place.log.own == ["OUT [2, 4]"]


def test_relative_files_are_read_from_the_projects_root(online: Bench) -> None:
    """And `__file__` leads to those beside the asset."""
    place = online
    place.write("data/words.txt", "from the root")
    place.write("assets/data/words.txt", "from beside")
    code = (
        "from pathlib import Path\nprint('OUT', Path('data/words.txt').read_text())\n"
        "print('OUT', (Path(__file__).parent / 'data/words.txt').read_text())\n"
    )
    place.run("assets/a.py", code)
    assert place.log.own == ["OUT from the root", "OUT from beside"]
