"""dispatcher.worker_text: what `fleet workers` shows of each worker."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from catalog import workers
from catalog.engine import connect, upgrade
from catalog.workers import WorkerInfo
from dispatcher import worker_text
from dispatcher.terminal import Terminal
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A catalog with one worker, of two slots, that knows a heavy instance."""
    engine = connect(f"sqlite:///{tmp_path}/catalog.db")
    upgrade(engine)
    env = {"key": "3.11.9-abc", "bytes": 3 * 2**20, "used_at": 1.0, "hits": 12}
    info = WorkerInfo(
        name="w1",
        fleet="fleet",
        host="h1",
        pid=7,
        slots=4,
        queues=("fleet", "b1"),
        pythons=("3.9", "3.11", "3.12", "3.13"),
        version="1.0",
        info={"weights": {"b1": 3}, "envs": [env], "platform": "Linux"},
    )
    workers.register(engine, info)
    return engine


def test_slots_count_by_weight_and_steps_say_how_long_they_run(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    """A heavy asset takes three of the four slots; -v names environments with size and uses."""
    run_id = record(engine, plan([asset("heavy", instance="b1")]))
    c.begin(engine, run_id)
    c.take(engine, run_id, "heavy")
    found = worker_text.seen(engine, 20.0)
    worker_text.show(Terminal(color=False), found, verbose=True)
    shown = capsys.readouterr().out
    assert "w1      h1    ready  3/4    fleet, b1  3.9, 3.11-3.13  1, 3.0 MiB  heavy" in shown
    assert "  heavy script " in shown
    assert "weights b1 3" in shown
    assert f"runs heavy script of run {run_id} for" in shown
    assert "env 3.11.9-abc  3.0 MiB  used 12 times" in shown
    facts = found[0].as_json()
    assert (facts["used"], facts["running"]) == (3, [f"heavy ({run_id})"])
    assert facts["work"][0]["step"] == "script"


def test_who_drains_is_silent_or_left_is_told_apart(engine: Engine) -> None:
    """Each in a word."""
    assert worker_text.seen(engine, 20.0)[0].state == "ready"
    workers.drain(engine, "w1")
    assert worker_text.seen(engine, 20.0)[0].state == "draining"
    assert worker_text.seen(engine, 0.0)[0].state == "lost"
    workers.leave(engine, "w1")
    assert worker_text.seen(engine, 20.0)[0].state == "left"


def test_a_narrow_terminal_cuts_what_matters_least(
    engine: Engine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing wraps; the fleet's name goes first."""
    monkeypatch.setenv("COLUMNS", "85")
    c.change(engine, "UPDATE workers SET beat_at = beat_at + 600")  # however slow the test is
    terminal = Terminal(color=False)
    terminal.tty = True
    worker_text.show(terminal, worker_text.seen(engine, 20.0))
    header, row = capsys.readouterr().out.splitlines()
    assert max(len(header), len(row)) < 85
    assert row.endswith("1, 3.0 MiB  -        now   f…")
