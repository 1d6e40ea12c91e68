"""Logs go when they are old, and the catalog says so."""

from pathlib import Path

from catalog import levels, retention
from catalog.engine import connect, upgrade
from dispatcher.log_text import Reader
from dispatcher.terminal import Terminal
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record
from workers import retention as remover
from workers.stores import Folder


def test_logs_of_old_runs_go_and_whoever_asks_is_told(tmp_path: Path) -> None:
    """Those of young runs and of runs that go on stay; nobody removes the same twice."""
    engine = connect(f"sqlite:///{tmp_path}/catalog.db")
    upgrade(engine)
    old, young, going_on = (record(engine, plan([asset("a")])) for _ in range(3))
    for run_id in (old, young, going_on):
        c.begin(engine, run_id)
        folder = tmp_path / "logs" / run_id
        folder.mkdir(parents=True)
        (folder / "a.script.1.log").write_text("hello\n")
    for run_id in (old, young):
        c.succeed(engine, run_id, "a")
        levels.advance(engine, run_id)
    c.change(engine, "UPDATE runs SET ended_at = ended_at - 1000 WHERE id = :id", id=old)
    gone = retention.let_go(engine, "fleet", 900.0)
    assert (gone, retention.let_go(engine, "fleet", 900.0)) == ([old], [])
    remover.remove(Folder(tmp_path), gone)
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == sorted([young, going_on])
    assert retention.removed(engine, old) is not None
    assert retention.removed(engine, young) is None
    reader = Reader(Terminal(), engine, old, "", "")
    assert "were removed" in reader._nothing()
    retention.note_removed(engine, [old, young, "nobody"])
    assert retention.removed(engine, young) is not None
