"""pyproject.toml and uv.lock, from the files to what the asset imports: real uv, own packages."""

import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from uv import find_uv_bin

from assets_parser.spec import Requirements
from tests.support.attempt import Bench, bench, shared_cache
from tests.support.wheels import package, wheel
from workers import projects, resolver
from workers.envs import EnvRequest, EnvStore
from workers.errors import StepFailed

HEAD = "[project]\nname = 'shop'\nversion = '0'\nrequires-python = '>=3.11'\n"
PYTHON = "3.11"
NUMERAL = "fleet_test_numeral"
HIDDEN = "fleet_test_hidden"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all that uv may look at."""
    folder = tmp_path / "wheels"
    for version in ("1.0", "2.0"):
        wheel(folder, NUMERAL, version)
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_OFFLINE", "1")
    return folder


@pytest.fixture
def place(tmp_path: Path, wheels: Path) -> Bench:
    """A home and a project of its own."""
    resolver._memory.clear()
    cache = tmp_path / "cache"
    cache.mkdir()
    return bench(tmp_path / "bench", cache)


def lock(folder: Path) -> str:
    """Lock as a user would; the lock's text."""
    command = [find_uv_bin(), "lock", "-q", "--python", PYTHON]
    subprocess.run(command, cwd=folder, check=True)
    return (folder / "uv.lock").read_text()


def run(place: Bench, code: str, *, folder: str = ".", path: str = "assets/a.py") -> list[str]:
    """What an asset of the project in `folder` prints."""
    own = "" if folder == "." else f"{folder}/"
    wish = Requirements(kind="pyproject", path=f"{own}pyproject.toml")
    place.log.lines.clear()
    place.run(own + path, code, working_dir=folder, requirements=wish)
    return place.log.own


def listing(folder: Path) -> list[str]:
    """Every file below a folder, without what Python keeps for itself."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(str(path) for path in files if "__pycache__" not in path.parts)


VERSION = f"import {NUMERAL}\nprint('OUT', {NUMERAL}.VERSION)"


def test_a_current_lock_is_what_runs(place: Bench) -> None:
    """Although a newer version is there; nothing is written beside it."""
    place.write("pyproject.toml", HEAD + f"dependencies = ['{NUMERAL}<2']\n")
    text = lock(place.project)
    place.write("pyproject.toml", HEAD + f"dependencies = ['{NUMERAL}<2']\n# words\n")
    before = listing(place.project)
    assert run(place, VERSION) == ["OUT 1.0"]
    assert listing(place.project) == sorted([*before, "assets/a.py"])
    assert (place.project / "uv.lock").read_text() == text
    assert not [line for line in place.log.lines if "notice" in line]


def test_a_stale_lock_is_said_at_every_asset_and_left_alone(place: Bench) -> None:
    """What it locked is preferred where it still fits, as `uv lock` would."""
    wheel(place.project.parent.parent / "wheels", HIDDEN, "1.0")
    place.write("pyproject.toml", HEAD + f"dependencies = ['{NUMERAL}<2']\n")
    text = lock(place.project)
    place.write("pyproject.toml", HEAD + f"dependencies = ['{NUMERAL}', '{HIDDEN}']\n")
    for _ in range(2):
        assert run(place, f"import {HIDDEN}\n" + VERSION) == ["OUT 1.0"]
        assert any("notice: uv.lock does not fit" in line for line in place.log.lines)
    assert (place.project / "uv.lock").read_text() == text


def test_a_damaged_lock_is_said_with_uvs_own_words(place: Bench) -> None:
    """The versions are found anew."""
    place.write("pyproject.toml", HEAD + f"dependencies = ['{NUMERAL}']\n")
    place.write("uv.lock", "version = [")
    assert run(place, VERSION) == ["OUT 2.0"]
    assert any("notice: uv.lock cannot be used" in line for line in place.log.lines)


def test_without_a_lock_none_is_made(place: Bench) -> None:
    """The newest version that is asked for; the folder stays as it was."""
    place.write("pyproject.toml", HEAD + f"dependencies = ['{NUMERAL}']\n")
    assert run(place, VERSION) == ["OUT 2.0"]
    assert listing(place.project) == ["assets/a.py", "pyproject.toml"]


def test_parallel_assets_use_one_lock(place: Bench) -> None:
    """Nobody rewrites it while another one reads it; one environment is built."""
    file = place.write("pyproject.toml", HEAD + f"dependencies = ['{NUMERAL}<2']\n")
    text = lock(place.project)
    request = EnvRequest(python=PYTHON, needs=projects.of_file(file))
    barrier = threading.Barrier(4)

    def build(_: int) -> str:
        barrier.wait(120)
        return EnvStore(place.settings).ensure(request).key

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(build, range(4)))) == 1
    assert (place.project / "uv.lock").read_text() == text


@pytest.mark.parametrize("locked", [True, False])
def test_the_projects_own_package_is_installed_if_it_is_one(place: Bench, locked: bool) -> None:
    """With a build-system, as `uv run` does it: importable, and its version is known."""
    package(place.project, "shopcode", dependencies=(NUMERAL,))
    if locked:
        lock(place.project)
    code = (
        "import shopcode\nfrom importlib.metadata import version\n"
        f"print('OUT', shopcode.NAME, version('shopcode'), version('{NUMERAL}'))"
    )
    assert run(place, code) == ["OUT shopcode 0.3 2.0"]
    place.write("code/shopcode/__init__.py", "NAME = 'edited'\n")
    assert run(place, code) == ["OUT edited 0.3 2.0"]


def test_a_project_without_build_system_is_not_installed(place: Bench) -> None:
    """Its modules are found from the working directory only."""
    place.write("pyproject.toml", HEAD)
    place.write("src/hidden/__init__.py", "")
    place.write("near.py", "WORD = 'near'")
    code = "import near, importlib.util as u\nprint('OUT', near.WORD, u.find_spec('hidden'))"
    assert run(place, code) == ["OUT near None"]


@pytest.mark.parametrize("locked", [True, False])
@pytest.mark.parametrize("editable", [True, False])
def test_local_packages_are_installed(place: Bench, locked: bool, editable: bool) -> None:
    """From `[tool.uv.sources]` by a path beside or above the project."""
    package(place.project / "libs" / "words", "words")
    source = f"words = {{path = '../libs/words', editable = {str(editable).lower()}}}\n"
    place.write(
        "shop/pyproject.toml", HEAD + "dependencies = ['words']\n[tool.uv.sources]\n" + source
    )
    if locked:
        lock(place.project / "shop")
    assert run(place, "import words\nprint('OUT', words.NAME)", folder="shop") == ["OUT words"]


@pytest.mark.parametrize("locked", [True, False])
def test_a_member_of_a_workspace_uses_the_lock_of_its_root(place: Bench, locked: bool) -> None:
    """And the packages of its siblings."""
    place.write(
        "pyproject.toml",
        HEAD.replace("shop", "all") + "[tool.uv.workspace]\nmembers = ['parts/*']\n",
    )
    package(place.project / "parts" / "words", "words", dependencies=(f"{NUMERAL}<2",))
    place.write(
        "parts/shop/pyproject.toml",
        HEAD + "dependencies = ['words']\n[tool.uv.sources]\nwords = {workspace = true}\n",
    )
    if locked:
        lock(place.project)
    code = "import words\nprint('OUT', words.NAME)\n" + VERSION
    assert run(place, code, folder="parts/shop") == ["OUT words", "OUT 1.0"]
    assert (place.project / "uv.lock").exists() is locked
    assert not [line for line in place.log.lines if "notice" in line]


@pytest.mark.parametrize("locked", [True, False])
def test_a_package_may_come_from_an_index_of_its_own(place: Bench, locked: bool) -> None:
    """One that `[tool.uv.sources]` names for this package only."""
    wheel(place.project / "index", HIDDEN, "1.0")
    text = (
        f"dependencies = ['{HIDDEN}']\n[tool.uv.sources]\n{HIDDEN} = {{index = 'ours'}}\n"
        "[[tool.uv.index]]\nname = 'ours'\nurl = 'index'\nformat = 'flat'\nexplicit = true\n"
    )
    place.write("pyproject.toml", HEAD + text)
    if locked:
        lock(place.project)
    assert run(place, f"import {HIDDEN} as x\nprint('OUT', x.VERSION)") == ["OUT 1.0"]


@pytest.mark.parametrize("locked", [True, False])
def test_groups_are_those_of_uv_run(place: Bench, locked: bool) -> None:
    """`dev` unless default-groups says otherwise; other groups are left out."""
    groups = f"[dependency-groups]\ndev = ['{NUMERAL}<2']\ndocs = ['{HIDDEN}']\n"
    wheel(place.project.parent.parent / "wheels", HIDDEN, "1.0")
    names = f"('{NUMERAL}', '{HIDDEN}')"
    code = f"from importlib.util import find_spec as f\nprint('OUT', *(not f(n) for n in {names}))"
    place.write("pyproject.toml", HEAD + groups)
    if locked:
        lock(place.project)
    assert run(place, code) == ["OUT False True"]
    place.write("pyproject.toml", HEAD + groups + "[tool.uv]\ndefault-groups = []\n")
    if locked:
        lock(place.project)
    assert run(place, code) == ["OUT True True"]


def test_commands_of_the_environment_and_python_are_the_assets_own(place: Bench) -> None:
    """Also in processes that the asset starts."""
    place.write("pyproject.toml", HEAD + f"dependencies = ['{NUMERAL}']\n")
    lock(place.project)
    code = (
        "import subprocess, sys\n"
        "def out(*argv): print('OUT', subprocess.check_output(argv, text=True).strip())\n"
        f"out('{NUMERAL}')\n"
        f"out('python', '-c', 'import {NUMERAL} as x; print(x.VERSION)')\n"
        f"out(sys.executable, '-c', 'import {NUMERAL} as x; print(x.VERSION)')\n"
    )
    assert run(place, code) == ["OUT command 2.0", "OUT 2.0", "OUT 2.0"]


def test_files_that_change_meanwhile_are_noticed(place: Bench) -> None:
    """An environment is never kept under the key of another lock."""
    file = place.write("pyproject.toml", HEAD + f"dependencies = ['{NUMERAL}']\n")
    needs = projects.of_file(file)
    place.write("pyproject.toml", HEAD + f"dependencies = ['{NUMERAL}<2']\n")
    with pytest.raises(StepFailed, match=r"pyproject\.toml or uv\.lock changed") as caught:
        EnvStore(place.settings).ensure(EnvRequest(python=PYTHON, needs=needs))
    assert caught.value.kind == "env"
    assert not [p for p in place.settings.envs.iterdir() if not p.name.startswith(".")]


def test_materialize_gets_pyarrow_beside_a_lock_that_has_none(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock's packages stay what they are."""
    monkeypatch.delenv("UV_OFFLINE")
    resolver._memory.clear()
    place = bench(tmp_path / "online", shared_cache())
    place.write("pyproject.toml", HEAD + f"dependencies = ['{NUMERAL}<2']\n")
    text = lock(place.project)
    code = f"import {NUMERAL}\ndef materialize():\n    return [{{'v': {NUMERAL}.VERSION}}]\n"
    wish = Requirements(kind="pyproject", path="pyproject.toml")
    done = place.table(code, requirements=wish)
    assert done.result["data"]["rows"] == 1
    assert (place.project / "uv.lock").read_text() == text
