"""Environments on the real uv: built once, shared, healed, evicted, explained."""

import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from uv import find_uv_bin

from catalog import engine as catalog_engine
from tests.support.attempt import shared_cache
from tests.support.wishes import PYTHON, version, wish
from workers import envs, projects, requirements, resolver
from workers.envs import EnvRequest, EnvStore
from workers.errors import StepFailed
from workers.pool import Pool
from workers.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home of its own with the machine's uv cache."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "uv-cache").symlink_to(shared_cache())
    return Settings(home=home, python_downloads=False)


@pytest.fixture(autouse=True)
def forgetful() -> None:
    """Each test resolves for itself."""
    resolver._memory.clear()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder for requirement files."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def test_a_script_without_requirements_gets_a_bare_environment(settings: Settings) -> None:
    """Nothing is installed, and nothing of ours can be imported."""
    env = EnvStore(settings).ensure(EnvRequest(python=PYTHON))
    assert version(env, "pip") == "none"
    assert version(env, "celery") == "none"
    assert env.version.startswith(PYTHON)


def test_the_same_wish_is_the_same_environment(settings: Settings, project: Path) -> None:
    """Comments do not matter; another version is another environment."""
    store = EnvStore(settings)
    first = store.ensure(wish(project, "roman==5.0\n"))
    assert store.ensure(wish(project, "# our numbers\nroman==5.0\n")).key == first.key
    other = store.ensure(wish(project, "roman==4.2\n"))
    assert other.key != first.key
    assert (version(first, "roman"), version(other, "roman")) == ("5.0", "4.2")


def test_materialize_adds_the_newest_pyarrow_unless_one_is_pinned(
    settings: Settings, project: Path
) -> None:
    """An own pin wins."""
    store = EnvStore(settings)
    pinned = store.ensure(wish(project, "pyarrow==20.0.0\n", pyarrow=True))
    assert version(pinned, "pyarrow") == "20.0.0"
    free = store.ensure(EnvRequest(python=PYTHON, pyarrow=True))
    assert int(version(free, "pyarrow").split(".")[0]) > 20


def test_included_files_and_local_packages_work(settings: Settings, project: Path) -> None:
    """Relative includes, constraints and paths start in the file's folder; changes are noticed."""
    (project / "base").mkdir()
    (project / "base" / "more.txt").write_text("roman\n-c limits.txt\n")
    (project / "base" / "limits.txt").write_text("roman==4.2\n")
    lib = project / "lib"
    lib.mkdir()
    (lib / "pyproject.toml").write_text(
        "[project]\nname='ourlib'\nversion='1.0'\n[build-system]\n"
        "requires=['hatchling']\nbuild-backend='hatchling.build'\n"
    )
    (lib / "ourlib.py").write_text("A = 1\n")
    store = EnvStore(settings)
    request = wish(project, "-r base/more.txt\n./lib\n")
    env = store.ensure(request)
    assert (version(env, "roman"), version(env, "ourlib")) == ("4.2", "1.0")
    (project / "base" / "limits.txt").write_text("roman==5.0\n")
    assert version(store.ensure(wish(project, "-r base/more.txt\n./lib\n")), "roman") == "5.0"


def test_requirements_in_utf_16_are_installed(settings: Settings, project: Path) -> None:
    """As Windows writes them: uv gets the file as it is."""
    file = project / "requirements.txt"
    file.write_bytes("roman==5.0\r\n".encode("utf-16"))
    needs = requirements.of_file(file)
    env = EnvStore(settings).ensure(EnvRequest(python=PYTHON, needs=needs))
    assert version(env, "roman") == "5.0"


def test_uvs_own_words_reach_the_user(settings: Settings, project: Path) -> None:
    """A package that does not exist: the file is named, and uv says why."""
    with pytest.raises(StepFailed) as caught:
        EnvStore(settings).ensure(wish(project, "no-such-package-of-ours==1.0\n"))
    assert caught.value.kind == "env"
    assert "requirements.txt cannot be resolved" in caught.value.message
    assert "no-such-package-of-ours" in caught.value.detail
    assert not list(settings.envs.glob(".building-*"))


def test_a_broken_environment_heals_itself(settings: Settings, project: Path) -> None:
    """A missing interpreter, package or marker means that it is built anew."""
    store, request = EnvStore(settings), wish(project, "roman==5.0\n")
    env = store.ensure(request)
    packages = next(env.folder.glob("lib/python*/site-packages"))
    for victim in (packages / "roman.py", env.folder / "bin", env.folder / envs.MARKER):
        assert victim.exists()
        shutil.rmtree(victim) if victim.is_dir() else victim.unlink()
        assert version(store.ensure(request), "roman") == "5.0"


def test_two_tasks_build_one_environment(settings: Settings, project: Path) -> None:
    """Threads that want the same at once: one builds, the others wait and use it."""
    request = wish(project, "roman==5.0\ninflection==0.5.1\n")
    told: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(lambda _: EnvStore(settings).ensure(request, told.append).key, range(4))
        )
    assert len(set(found)) == 1
    assert [text for text in told if text.startswith("installing")] == [
        "installing inflection, roman (2 packages)"
    ]


def test_two_processes_build_one_environment(settings: Settings, project: Path) -> None:
    """The lock holds between processes as well."""
    wish(project, "roman==5.0\n")
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from workers.envs import EnvRequest, EnvStore\nfrom workers import requirements\n"
        "from workers.settings import Settings\n"
        f"settings = Settings(home=Path({str(settings.home)!r}), python_downloads=False)\n"
        f"needs = requirements.of_file(Path({str(project / 'requirements.txt')!r}))\n"
        f"env = EnvStore(settings).ensure(EnvRequest(python={PYTHON!r}, needs=needs), print)\n"
    )
    root = Path(__file__).resolve().parents[2]
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = "".join(process.communicate()[0] for process in started)
    assert [process.returncode for process in started] == [0, 0, 0]
    assert said.count("installing") == 1


def test_a_resolution_is_shared_through_the_catalog(
    settings: Settings, project: Path, tmp_path: Path
) -> None:
    """A second worker takes the versions that the first one found, without asking uv."""
    engine = catalog_engine.connect(f"sqlite:///{tmp_path / 'catalog.db'}")
    catalog_engine.upgrade(engine)
    request = wish(project, "roman\n")
    first = EnvStore(settings, engine).ensure(request)
    resolver._memory.clear()
    other = replace(settings, uv="/nonexistent/uv")
    assert EnvStore(other, engine).ensure(request).key == first.key


def test_without_an_index_an_older_answer_has_to_do(
    settings: Settings, project: Path, tmp_path: Path
) -> None:
    """The run goes on with the versions of the last one, and says so."""
    request, told = wish(project, "roman\n"), list[str]()
    first = EnvStore(settings).ensure(request)
    resolver._memory.clear()
    deaf = tmp_path / "uv"
    deaf.write_text("#!/bin/sh\necho 'error: error sending request for url' >&2; exit 2\n")
    deaf.chmod(0o755)
    away = replace(settings, uv=str(deaf), resolution_max_age=0.0)
    assert EnvStore(away).ensure(request, told.append).key == first.key
    assert any("cannot be reached" in text for text in told)


def test_a_cancel_does_not_wait_for_another_builder(settings: Settings, tmp_path: Path) -> None:
    """Who waits for a lock heeds the cancel."""
    told: list[str] = []
    stop = lambda: "cancelled" if told else None  # noqa: E731
    with (
        resolver.patient(tmp_path / "x.lock", "", told.append, lambda: None),
        pytest.raises(StepFailed) as caught,
        resolver.patient(tmp_path / "x.lock", "is building", told.append, stop),
    ):
        pass
    assert caught.value.kind == "cancelled"
    assert told == ["waiting for another task that is building"]


def test_old_environments_are_evicted_but_not_used_or_young_ones(
    settings: Settings, project: Path
) -> None:
    """Age and size count from the last use; who holds one keeps it."""
    store = EnvStore(settings)
    old = store.ensure(wish(project, "roman==4.2\n"))
    with store.using(wish(project, "roman==5.0\n")) as used:
        young = store.ensure(EnvRequest(python=PYTHON))
        long_ago = time.time() - settings.env_max_age - 10
        for env in (old, used):
            os.utime(env.folder / envs.MARKER, (long_ago, long_ago))
        assert store.evict() == [old.key]
        assert used.folder.exists()
        assert young.folder.exists()
    half_built = settings.envs / f"{envs.HALF_BUILT}x"
    half_built.mkdir()
    os.utime(half_built, (long_ago, long_ago))
    assert store.evict() == [used.key]
    assert not half_built.exists()


def test_the_least_recently_used_go_first_when_there_are_too_many(
    settings: Settings, project: Path
) -> None:
    """The size that is allowed decides."""
    store = EnvStore(replace(settings, env_max_bytes=1))
    first = store.ensure(EnvRequest(python=PYTHON))
    hour_ago = time.time() - 3600
    os.utime(first.folder / envs.MARKER, (hour_ago, hour_ago))
    second = store.ensure(wish(project, "roman==5.0\n"))
    assert not first.folder.exists()
    assert second.folder.exists()


def test_a_pyproject_is_resolved_with_its_default_groups(settings: Settings, project: Path) -> None:
    """As `uv run` does it; the user's folder stays as it was."""
    file = project / "pyproject.toml"
    file.write_text(
        "[project]\nname='shop'\nversion='0'\ndependencies=['roman==4.2']\n"
        "[dependency-groups]\ndev=['inflection==0.5.1']\n"
    )
    env = EnvStore(settings).ensure(EnvRequest(python=PYTHON, needs=projects.of_file(file)))
    assert (version(env, "roman"), version(env, "inflection")) == ("4.2", "0.5.1")
    assert [path.name for path in project.iterdir()] == ["pyproject.toml"]


def test_a_current_lock_decides_and_an_old_one_is_left_alone(
    settings: Settings, project: Path
) -> None:
    """uv.lock pins; when it does not fit, pyproject.toml alone counts, and that is said."""
    file, lock = project / "pyproject.toml", project / "uv.lock"
    head = f"[project]\nname='shop'\nversion='0'\nrequires-python='>={PYTHON}'\n"
    file.write_text(head + "dependencies=['roman<5']\n")
    subprocess.run([find_uv_bin(), "lock", "-q", "--python", PYTHON], cwd=project, check=True)
    locked = lock.read_text()
    file.write_text(head + "dependencies=['roman<5']\n# a comment\n")
    store = EnvStore(settings)
    env = store.ensure(EnvRequest(python=PYTHON, needs=projects.of_file(file)))
    assert version(env, "roman").startswith("4.")
    file.write_text(head + "dependencies=['roman>=5']\n")
    env = store.ensure(EnvRequest(python=PYTHON, needs=projects.of_file(file)))
    assert version(env, "roman").startswith("5.")
    assert any("uv.lock does not fit" in text for text in env.notices)
    assert lock.read_text() == locked


def test_a_cancel_stops_the_installer(settings: Settings, project: Path) -> None:
    """uv is ended, nothing half-built stays."""
    started = threading.Event()
    with pytest.raises(StepFailed) as caught:
        EnvStore(settings).ensure(
            wish(project, "apache-airflow\n"),
            lambda _: started.set(),
            lambda: "cancelled" if started.is_set() else None,
        )
    assert caught.value.kind == "cancelled"
    assert not list(settings.envs.glob(".building-*"))


def test_a_version_that_is_not_here_is_a_clear_error(settings: Settings) -> None:
    """It says which versions there are and how to get the other."""
    with pytest.raises(StepFailed) as caught:
        Pool(settings).find("3.99")
    assert PYTHON in caught.value.message
    assert "uv python install 3.99" in caught.value.hint
