"""workers.reconcile: one worker looks for the whole fleet, and nobody can keep others from it."""

from dataclasses import replace
from pathlib import Path

import pytest
from celery import Celery
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from catalog import levels
from catalog.engine import connect, upgrade
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record
from workers import reconcile
from workers.app import make_app
from workers.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a fleet with a broker, which is not asked: nothing that these tests heal is sent."""
    given = {"home": tmp_path, "fleet": "fleet", "reconcile_every": 600}
    return Settings.load({"FLEET_CONFIG": ""}, given)


@pytest.fixture
def engine(settings: Settings) -> Engine:
    made = connect(settings.catalog_url)
    upgrade(made)
    return made


@pytest.fixture
def app(settings: Settings) -> Celery:
    return make_app(settings)


def lose(engine: Engine) -> None:
    """A step of a run of its own whose worker is gone, and that may not run again."""
    run_id = record(engine, plan([asset("a")]))
    levels.confirm_sent(engine, run_id, c.begin(engine, run_id))
    c.expire(engine, c.take(engine, run_id, "a"))


def look(engine: Engine, app: Celery, settings: Settings, *, able: bool = True) -> int:
    """How many lost steps one worker's turn found."""
    lone = replace(settings, losses_allowed=0)
    return reconcile.in_turn(engine, app, lone, bury=True, sends=able).lost


def test_one_look_serves_the_whole_fleet(engine: Engine, app: Celery, settings: Settings) -> None:
    lose(engine)
    assert [look(engine, app, settings) for _ in range(2)] == [1, 0]
    lose(engine)
    assert look(engine, app, settings) == 0, "another worker has just looked"
    c.change(engine, "UPDATE facts SET changed_at = changed_at - 600")
    assert look(engine, app, settings) == 1


def test_who_cannot_send_leaves_the_turn_to_others(
    engine: Engine, app: Celery, settings: Settings
) -> None:
    lose(engine)
    assert look(engine, app, settings, able=False) == 1, "what needs no broker is done"
    lose(engine)
    assert look(engine, app, settings) == 1


def test_who_fails_gives_the_turn_back(
    engine: Engine, app: Celery, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: object, **named: object) -> reconcile.Healed:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    lose(engine)
    with monkeypatch.context() as patched:
        patched.setattr(reconcile, "run_once", fails)
        with pytest.raises(OperationalError):
            look(engine, app, settings)
    assert look(engine, app, settings) == 1


def test_an_embedded_fleet_needs_no_turns(engine: Engine, app: Celery, settings: Settings) -> None:
    look(engine, app, replace(settings, fleet="embedded-1"))
    assert c.value(engine, "SELECT count(*) FROM facts WHERE key LIKE 'turn:%'") == 0
