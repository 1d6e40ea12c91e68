"""dispatcher.cleaning beside others that use, make and remove the same."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from catalog import runs
from dispatcher import cleaning
from dispatcher.cleaning import Item
from tests.support.plans import asset, plan, record
from workers import run_values
from workers.settings import Settings


def old_logs(settings: Settings, *runs: str) -> list[Path]:
    """The log folders of runs that nobody knows any more."""
    folders = [settings.storage_path / "logs" / run for run in runs]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "a.script.1.log").write_text("x\n")
        for path in (folder / "a.script.1.log", folder):
            os.utime(path, (0, 0))
    return folders


def test_a_run_that_begins_meanwhile_keeps_its_values(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    recent = runs.recent

    def then_one_begins(*args: Any) -> Any:
        found = recent(*args)
        values = run_values.path(settings, record(engine, plan([asset("a")])))
        values.parent.mkdir(parents=True, exist_ok=True)
        values.touch()
        return found

    monkeypatch.setattr(runs, "recent", then_one_begins)
    assert list(cleaning.find(settings, engine, 3600.0, envs=False)) == []


def test_two_may_clean_at_once(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the other one has removed is passed over, whenever it went."""
    first, second, third = old_logs(settings, "aaaaa", "bbbbb", "ccccc")
    entries = cleaning._entries

    def listed(folder: Path) -> list[Path]:
        found = entries(folder)
        shutil.rmtree(first, ignore_errors=True)
        return found

    monkeypatch.setattr(cleaning, "_entries", listed)
    found = list(cleaning.find(settings, engine, 3600.0, envs=False))
    assert [item.path for item in found] == [second, third]
    shutil.rmtree(second)
    for item in found:
        cleaning.remove(settings, item)
    assert not third.exists()


def test_a_folder_may_go_while_its_size_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner, scandir = tmp_path / "a" / "b", os.scandir
    inner.mkdir(parents=True)

    def late(path: Any) -> Any:
        if path == str(inner):
            inner.rmdir()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", late)
    assert cleaning._item("x", tmp_path / "a") == Item(what="x", path=tmp_path / "a", bytes=0)
