"""What goes, or is taken, between two looks at it: other processes use the same folders."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catalog import runs
from catalog.engine import connect, upgrade
from catalog.values import UnknownRun
from workers import (
    bundle_cache,
    bundles,
    env_uses,
    project_files,
    requirements,
    run_values,
)
from workers.duckdb_child import Child
from workers.envs import EnvStore
from workers.project_files import BundleRefused, ProjectFile
from workers.settings import Settings
from workers.stores import Folder


def goes_when_it_is_looked_into(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Somebody removes the folder after its name was read."""
    real = os.scandir

    def scandir(path: Any = ".") -> Any:
        if not isinstance(path, int) and Path(os.fsdecode(path)) == folder:
            shutil.rmtree(folder)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)


def an_env(settings: Settings) -> Path:
    """An environment that nobody has used since 1970."""
    folder = settings.envs / "3.11-x"
    (folder / "lib").mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").touch()
    (folder / env_uses.MARKER).write_text('{"bytes": 1, "packages": "lib", "installed": []}')
    os.utime(folder / env_uses.MARKER, (0, 0))
    return folder


def test_two_may_evict_one_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slower one finds nothing, which fails no asset."""
    settings = Settings(home=tmp_path)
    folder, by_use = an_env(settings), env_uses.by_use

    def listed(root: Path) -> list[tuple[Path, float, int]]:
        found = by_use(root)
        shutil.rmtree(folder)
        return found

    monkeypatch.setattr(env_uses, "by_use", listed)
    assert EnvStore(settings).evict() == []


def test_an_environment_that_is_evicted_as_it_is_looked_at_is_built_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, utime = Settings(home=tmp_path), os.utime
    folder = an_env(settings)
    assert EnvStore(settings)._usable(folder)

    def late(path: Path, *args: Any) -> None:
        shutil.rmtree(folder)
        utime(path, *args)

    monkeypatch.setattr(os, "utime", late)
    assert not EnvStore(settings)._usable(folder)


def test_two_may_remove_one_bundle(tmp_path: Path) -> None:
    assert not bundle_cache._remove(tmp_path / "gone")


def test_a_folder_may_go_while_storage_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/1.log", "b/2.log"):
        (tmp_path / "logs" / name).parent.mkdir(parents=True)
        (tmp_path / "logs" / name).touch()
    goes_when_it_is_looked_into(monkeypatch, tmp_path / "logs" / "b")
    assert [entry.name for entry in Folder(tmp_path).list("logs")] == ["logs/a/1.log"]


def test_a_build_may_go_on_in_a_local_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lib" / "build").mkdir(parents=True)
    (tmp_path / "lib" / "a.py").touch()
    goes_when_it_is_looked_into(monkeypatch, tmp_path / "lib" / "build")
    (found,) = requirements.local_state("./lib", tmp_path)
    assert "a.py" in found


def find_and_lose(times: int) -> Callable[..., list[ProjectFile]]:
    """As project_files.find; after it the file `.swp` is gone, so many times."""
    lost, find = [0], project_files.find

    def finding(root: Path, *args: Any) -> list[ProjectFile]:
        (root / ".swp").touch()
        found = find(root, *args)
        if lost[0] < times:
            (root / ".swp").unlink()
            lost[0] += 1
        return found

    return finding


def test_a_project_in_which_a_file_goes_is_looked_through_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "p"
    root.mkdir()
    (root / "a.py").touch()
    monkeypatch.setattr(project_files, "find", find_and_lose(2))
    made = bundles.of_project(root, Settings(home=tmp_path / "home"))
    assert [item.path for item in made.listing.items] == [".swp", "a.py"]
    monkeypatch.setattr(project_files, "find", find_and_lose(3))
    with pytest.raises(BundleRefused, match=r"cannot read .*\.swp: No such file"):
        bundles.of_project(root, Settings(home=tmp_path / "home"))


def test_two_may_sweep_the_values_of_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path)
    left = run_values.path(settings, "7f3k2")
    left.parent.mkdir(parents=True)
    left.touch()
    engine = connect(settings.catalog_url)
    upgrade(engine)

    def asked(*_: Any) -> Any:
        left.unlink()
        raise UnknownRun("no run 7f3k2")

    monkeypatch.setattr(runs, "get", asked)
    run_values.sweep(engine, settings)
    engine.dispose()


def test_a_duckdb_process_may_be_closed_between_two_looks_at_its_lease() -> None:
    """Its ear must not die of that: nobody would hear the next order."""

    class Closing(Child):
        @property
        def _lease(self) -> float | None:  # type: ignore[override]
            return self._leases.pop(0)

        @_lease.setter
        def _lease(self, value: float | None) -> None:
            self._leases: list[float | None] = [20.0, None]

    assert Closing(None, None)._left() is not None
