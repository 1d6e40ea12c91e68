"""What attempts left on storage goes once nobody can need it."""

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine

from catalog import artifacts, recover, runs, turns
from catalog.engine import connect, upgrade
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record
from workers import scraps, storage
from workers.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a host whose storage is a folder."""
    return Settings.load({"FLEET_CONFIG": ""}, {"home": tmp_path})


@pytest.fixture
def engine(settings: Settings) -> Engine:
    """Its catalog."""
    made = connect(settings.catalog_url)
    upgrade(made)
    return made


def stored(settings: Settings, name: str, age: float = 2 * scraps.GRACE) -> Path:
    """A file that was written so many seconds ago."""
    path = settings.storage_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"data")
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def remaining(settings: Settings, engine: Engine) -> set[str]:
    """The names of what is left once it was tidied."""
    scraps.remove(settings, artifacts.abandoned(engine, scraps.GRACE, scraps.WITHIN), shared=True)
    files = (path for path in settings.storage_path.rglob("*") if path.is_file())
    return {path.name for path in files}


def ended(engine: Engine, seconds: float = 2 * scraps.GRACE) -> str:
    """A run whose first attempt was lost, whose second one left data, and that then was stopped."""
    run_id = record(engine, plan([asset("a", steps=("materialize", "load"))]))
    c.begin(engine, run_id)
    c.expire(engine, c.take(engine, run_id, "a", "materialize"))
    recover.lost(engine, "fleet")
    data = {"path": storage.data_name(run_id, "a", 2), "rows": 1}
    c.succeed(engine, run_id, "a", "materialize", data=data)
    runs.cancel(engine, run_id, "enough")
    c.change(engine, "UPDATE runs SET ended_at = ended_at - :s", s=seconds)
    return run_id


def test_data_of_attempts_that_did_not_count_goes_and_what_a_run_may_continue_with_stays(
    settings: Settings, engine: Engine
) -> None:
    run_id = ended(engine)
    stored(settings, storage.data_name(run_id, "a", 1))
    stored(settings, storage.data_name(run_id, "a", 2))
    stored(settings, f"runs/{run_id}/.parts-77/data.arrow")
    stored(settings, f"runs/{run_id}/.a.3.arrow.77.part")
    assert remaining(settings, engine) == {"a.2.arrow"}
    assert not (settings.storage_path / "runs" / run_id / ".parts-77").exists()


def test_nothing_goes_that_somebody_may_still_write(settings: Settings, engine: Engine) -> None:
    going = record(engine, plan([asset("a")]))
    over = ended(engine)
    stored(settings, f"runs/{going}/going.arrow")
    stored(settings, f"runs/{over}/young.arrow", age=60)
    stored(settings, "runs/unknown/of-another-catalog.arrow")
    assert remaining(settings, engine) == {
        "going.arrow",
        "young.arrow",
        "of-another-catalog.arrow",
    }


def test_a_run_that_ended_a_moment_ago_is_left_alone(settings: Settings, engine: Engine) -> None:
    run_id = ended(engine, seconds=60)
    stored(settings, f"runs/{run_id}/late.arrow")
    assert remaining(settings, engine) == {"late.arrow"}


def test_one_host_at_a_time_has_the_turn(engine: Engine) -> None:
    assert [turns.take(engine, "x", 60.0) for _ in range(2)] == [True, False]
    assert turns.take(engine, "y", 60.0)
    c.change(engine, "UPDATE facts SET changed_at = changed_at - 61")
    assert turns.take(engine, "x", 60.0)
