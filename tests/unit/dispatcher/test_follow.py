"""dispatcher.follow and log_text: nothing that happened is left out, whatever came in between."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from catalog import levels, runs
from dispatcher import log_text, views
from dispatcher.board import AssetRow, Board
from dispatcher.fleets import Fleet
from dispatcher.follow import Follow
from dispatcher.log_files import LogLine
from dispatcher.patience import Patience
from dispatcher.terminal import Terminal
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record
from workers import app, reconcile
from workers.settings import Settings


class Shown:
    """A display that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.states: list[str] = []

    def start(self, board: Board, identity: str) -> None: ...

    def changed(self, row: AssetRow, before: AssetRow | None, board: Board) -> None:
        self.states.append(row.state)

    def log(self, asset: str, step: str, line: str) -> None:
        self.lines.append(line)

    def notice(self, text: str) -> None: ...

    def tick(self, board: Board) -> None: ...

    def close(self, board: Board) -> None: ...


class Parts:
    """Logs that come in parts, as from a stream."""

    def __init__(self, *parts: str) -> None:
        self.parts = list(parts)
        self.fresh: list[bool] = []

    def read(self, *, fresh: bool = False) -> Iterator[LogLine]:
        self.fresh.append(fresh)
        if self.parts:
            yield LogLine("a", "script", self.parts.pop(0))

    def close(self, asset: str) -> None: ...


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """One that nobody asks."""
    return Fleet(Settings(home=tmp_path), "a fleet", shared=False)


def begun(engine: Engine, *names: str) -> str:
    """A run of one level that goes on."""
    run_id = record(engine, plan([asset(name) for name in names]))
    c.begin(engine, run_id)
    return run_id


def test_all_parts_of_the_logs_are_shown_before_the_end(engine: Engine, fleet: Fleet) -> None:
    run_id, shown = begun(engine, "a"), Shown()
    c.succeed(engine, run_id, "a")
    levels.advance(engine, run_id)
    Follow(engine, run_id, shown, Parts("1", "2", "3"), fleet).to_end("run")
    assert (shown.lines, shown.states) == (["1", "2", "3"], ["succeeded"])


def test_logs_are_looked_at_anew_when_an_asset_ends(
    engine: Engine, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, shown, parts = begun(engine, "a", "b"), Shown(), Parts()
    ends = iter(["", "a", "", "b"])

    def later(_: float) -> None:
        if name := next(ends):
            c.succeed(engine, run_id, name)
            levels.advance(engine, run_id)

    monkeypatch.setattr(time, "sleep", later)
    Follow(engine, run_id, shown, parts, fleet).to_end("run")
    assert parts.fresh == [False, False, True, False, True]


def test_what_happens_after_the_catalogs_clock_was_set_back_is_shown(
    engine: Engine, fleet: Fleet
) -> None:
    run_id, shown = begun(engine, "a", "b"), Shown()
    following = Follow(engine, run_id, shown, Parts(), fleet)
    board = Board(run=views.board(engine, run_id).run)
    board.rows = {name: AssetRow(name=name, level=0, state="queued") for name in "ab"}
    c.take(engine, run_id, "a")
    c.change(engine, "UPDATE asset_runs SET changed_at = changed_at + 3600 WHERE asset = 'a'")
    following._look(board)
    c.take(engine, run_id, "b")
    following._look(board)
    assert {name: row.state for name, row in board.rows.items()} == {"a": "running", "b": "running"}


def test_logs_go_on_while_the_catalog_is_away(
    engine: Engine,
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_id, asked, get = begun(engine, "a"), [], runs.get

    def away_at_first(*args: Any) -> Any:
        asked.append(args)
        if len(asked) == 1:
            raise OperationalError("select", {}, Exception("away"))
        return get(*args)

    monkeypatch.setattr(runs, "get", away_at_first)
    monkeypatch.setattr(time, "sleep", lambda _: runs.cancel(engine, run_id, "enough"))
    reader = log_text.Reader(Terminal(), engine, run_id, "", "")
    assert reader.show(fleet.settings, follow=True) == 0
    assert "wrote nothing" in capsys.readouterr().err


@pytest.mark.parametrize(("mute", "sends"), [(0, True), (2, False)])
def test_nobody_sends_to_a_broker_that_is_away(
    engine: Engine, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, *, mute: int, sends: bool
) -> None:
    """It would take minutes, in which Ctrl-C is not heeded."""
    said: list[bool] = []
    monkeypatch.setattr(app, "make_app", lambda _: None)
    monkeypatch.setattr(reconcile, "run_once", lambda *_, **given: said.append(given["sends"]))
    Patience(engine, fleet, _mute=mute)._heal()
    assert said == [sends]
