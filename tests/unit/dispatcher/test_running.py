"""dispatcher.running and submit: Ctrl-C at awkward moments leaves no run to itself."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from assets_parser.config import Environment
from assets_parser.model import Pipeline
from catalog import recover, runs
from dispatcher import embedded, fleets, running, submit, target
from dispatcher.fleets import Fleet
from dispatcher.look import Look
from dispatcher.preparing import Prepared
from dispatcher.processes import Identity
from dispatcher.run_flags import RunFlags
from dispatcher.running import Request
from dispatcher.terminal import Terminal
from tests.support.plans import asset, plan
from workers.settings import Settings

PREPARED = Prepared(
    plan=plan([asset("a")]),
    pipeline=Pipeline(name="shop", root="/project", path="pipeline.yml"),
    environment=Environment(name="default"),
    config="",
    variables=(),
)


@pytest.fixture
def fleet(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """An embedded one, whose worker does nothing."""
    monkeypatch.setattr(embedded, "worker_argv", lambda: ["sleep", "987"])
    made = embedded.start(settings)
    yield Fleet(made.settings, "embedded", shared=True, embedded=made)
    made.owes = False
    made.close()


def request() -> Request:
    """`fleet run`."""
    return Request(target=(), flags=RunFlags(), overrides={}, look=Look(terminal=Terminal()))


def pressed(*_: Any, **__: Any) -> None:
    """Ctrl-C comes now."""
    raise KeyboardInterrupt


def record_of(fleet: Fleet) -> Path:
    """Where an embedded fleet is written down."""
    return fleet.settings.run_dir / f"{fleet.settings.fleet}.json"


def test_a_run_is_over_also_if_ctrl_c_comes_as_it_is_recorded(
    engine: Engine, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The catalog has it, and nobody was told its id yet."""
    record = runs.record

    def recorded(*args: Any, **given: Any) -> None:
        record(*args, **given)
        pressed()

    monkeypatch.setattr(runs, "record", recorded)
    with pytest.raises(KeyboardInterrupt):
        running._submit_and_follow(engine, PREPARED, fleet, request())
    (found,) = runs.recent(engine)
    assert (found.state, found.reason) == ("cancelled", "Ctrl-C")
    fleet.close()
    assert not record_of(fleet).exists()


def test_a_detached_run_is_not_begun_if_ctrl_c_comes_before_its_id_is_told(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = Fleet(replace(settings, broker="redis://nowhere"), "fleet", shared=False)
    monkeypatch.setattr(target, "find", lambda _: None)
    monkeypatch.setattr(running, "project", lambda _: None)
    monkeypatch.setattr(fleets, "load_settings", lambda *_: settings)
    monkeypatch.setattr(fleets, "require", lambda _: remote)
    monkeypatch.setattr(running, "prepare", lambda *_: PREPARED)
    monkeypatch.setattr(submit, "send", pressed)
    with pytest.raises(KeyboardInterrupt):
        running.detached(request())
    (found,) = runs.recent(engine)
    assert (found.state, found.reason) == ("cancelled", "Ctrl-C")


def test_a_fleet_is_remembered_until_the_catalog_knows_that_its_run_is_over(
    engine: Engine, fleet: Fleet, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C once more, as the command signs off: the next command ends the run."""
    interrupt = recover.interrupt
    monkeypatch.setattr(running, "_send", lambda *_: None)
    monkeypatch.setattr(running, "_follow", lambda *_: running.INTERRUPTED)
    monkeypatch.setattr(recover, "interrupt", pressed)
    with pytest.raises(KeyboardInterrupt):
        running._submit_and_follow(engine, PREPARED, fleet, request())
    fleet.close()
    assert record_of(fleet).exists()
    monkeypatch.setattr(recover, "interrupt", interrupt)
    monkeypatch.setattr(Identity, "alive", lambda _: False)
    running._catalog(settings)
    assert runs.recent(engine)[0].state == "interrupted"
    assert not record_of(fleet).exists()


def test_ctrl_c_after_the_end_cancels_nothing(
    engine: Engine,
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As while the report is printed."""

    def over(engine: Engine, run_id: str, *_: Any) -> None:
        runs.cancel(engine, run_id, "enough")
        pressed()

    monkeypatch.setattr(running, "_send", lambda *_: None)
    monkeypatch.setattr(running, "_follow", over)
    with pytest.raises(KeyboardInterrupt):
        running._submit_and_follow(engine, PREPARED, fleet, request())
    assert "cancelling" not in capsys.readouterr().err
    assert runs.recent(engine)[0].reason == "enough"
