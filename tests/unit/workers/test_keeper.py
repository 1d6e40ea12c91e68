"""workers.keeper: a claim is kept while its step runs, and the step hears when it must stop."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from assets_parser.spec import Plan, RunOptions
from catalog import claims, engine, levels, runs
from catalog.claims import Claim
from tests.support.fleet import asset, wait_for
from workers.keeper import Keeper, StopFlag
from workers.pulse import clock


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Engine]:
    """A catalog with one run of one asset whose level has begun."""
    made = engine.connect(f"sqlite:///{tmp_path / 'catalog.db'}")
    engine.upgrade(made)
    day = "2026-01-01T00:00:00+00:00"
    options = RunOptions(start=day, end=day, execution=day)
    plan = Plan(
        pipeline="shop", root="/", path="pipeline.yml", options=options, levels=((asset("a"),),)
    )
    runs.record(made, plan, run_id="aaaaa", fleet="f", project="/", config="", submitter="test")
    levels.advance(made, "aaaaa")
    yield made
    made.dispose()


@pytest.fixture
def claim(catalog: Engine) -> Claim:
    """The claim of the asset's step, for two seconds."""
    found = claims.claim(catalog, "aaaaa", "a", "script", worker="w", pid=1, lease=2.0)
    assert isinstance(found, Claim)
    return found


def test_a_claim_outlives_its_lease_while_it_is_kept(catalog: Engine, claim: Claim) -> None:
    """The lease is renewed without the step's doing."""
    with Keeper(catalog, claim, lease=2.0, renew=1.0) as keeper:
        assert keeper.stop.wait(3.0) is None
        assert lease_left(catalog) > 0


def test_a_lease_shorter_than_the_usual_tick_is_kept_too(catalog: Engine, claim: Claim) -> None:
    """Renewed as often as the settings say."""
    with Keeper(catalog, claim, lease=1.2, renew=0.3) as keeper:
        assert keeper.stop.wait(2.0) is None


def test_progress_is_shown_soon(catalog: Engine, claim: Claim) -> None:
    """The newest progress reaches the catalog within a second or so."""
    with Keeper(catalog, claim, lease=20.0, renew=5.0) as keeper:
        keeper.progress({"rows": 1})
        keeper.progress({"rows": 7})
        wait_for(lambda: '"rows":7' in progress_of(catalog), 5)


def test_progress_that_cannot_be_shown_costs_nobody_the_claim(
    catalog: Engine, claim: Claim
) -> None:
    """Whatever a step tells of itself, its claim is renewed and a cancel is heard."""
    endless: dict[str, object] = {}
    endless["note"] = endless
    with Keeper(catalog, claim, lease=8.0, renew=1.0) as keeper:
        keeper.progress(endless)
        assert keeper.stop.wait(3.0) is None
        assert lease_left(catalog) > 0
        runs.cancel(catalog, "aaaaa", "no longer wanted")
        assert keeper.stop.wait(10.0) == "cancelled"


def test_a_cancelled_run_is_noticed_between_renewals(catalog: Engine, claim: Claim) -> None:
    """Nobody waits five seconds for a cancel to be heard."""
    with Keeper(catalog, claim, lease=60.0, renew=30.0) as keeper:
        runs.cancel(catalog, "aaaaa", "no longer wanted")
        assert keeper.stop.wait(10.0) == "cancelled"
        assert keeper.stop.words == "no longer wanted"


def test_a_lost_claim_stops_the_step(catalog: Engine, claim: Claim) -> None:
    """Once another attempt has the step this one may commit nothing."""
    with Keeper(catalog, claim, lease=60.0, renew=30.0) as keeper:
        with catalog.begin() as connection:
            connection.execute(text("UPDATE steps SET token = token + 1"))
        assert keeper.stop.wait(10.0) == "fenced"


def test_a_catalog_that_is_away_does_not_stop_the_step(
    catalog: Engine, claim: Claim, tmp_path: Path
) -> None:
    """Without the catalog nobody else can have the step either; it goes on."""
    file, aside = tmp_path / "catalog.db", tmp_path / "aside.db"
    with Keeper(catalog, claim, lease=60.0, renew=1.0) as keeper:
        catalog.dispose()
        file.rename(aside)
        file.mkdir()
        time.sleep(2.5)
        assert keeper.stop.reason is None
        file.rmdir()
        aside.rename(file)
        runs.cancel(catalog, "aaaaa", "later")
        assert keeper.stop.wait(10.0) == "cancelled"


def test_a_claim_that_took_long_is_renewed_before_the_work_begins(
    catalog: Engine, claim: Claim
) -> None:
    """Its process was paused, or waited: the lease may be nearly over."""
    with Keeper(catalog, claim, lease=60.0, renew=30.0, since=clock() - 50) as keeper:
        assert keeper.may_commit()
        assert keeper.stop.reason is None
        runs.cancel(catalog, "aaaaa", "no longer wanted")
        keeper.stop.wait(10.0)
        assert not keeper.may_commit()


@pytest.mark.parametrize(("broker", "reason"), [(True, None), (False, "cut off")])
def test_nothing_is_committed_without_the_catalog_and_nothing_runs_without_both(
    catalog: Engine, claim: Claim, tmp_path: Path, broker: bool, reason: str | None
) -> None:
    file = tmp_path / "catalog.db"
    with Keeper(catalog, claim, lease=2.0, renew=0.5, connected=lambda: broker) as keeper:
        beats: list[float] = []
        keeper.pulse.add(beats.append)
        assert keeper.may_commit()
        catalog.dispose()
        file.rename(tmp_path / "aside.db")
        file.mkdir()
        wait_for(lambda: not keeper.may_commit())
        keeper.stop.wait(3.0)
        assert keeper.stop.reason == reason
        assert bool(beats and clock() - beats[-1] < 1.5) == broker


def test_nothing_overrules_a_fence() -> None:
    """A fenced step stays fenced, whatever is heard later."""
    stop = StopFlag()
    stop.set("cancelled", "by a person")
    stop.set("fenced", "lost")
    stop.set("cancelled", "again")
    assert (stop.wait(0), stop.reason, stop.words) == ("fenced", "fenced", "lost")


def lease_left(catalog: Engine) -> float:
    """Seconds until the claim is lost."""
    with catalog.connect() as connection:
        until = connection.scalar(text("SELECT lease_until FROM steps"))
    return float(until) - time.time()


def progress_of(catalog: Engine) -> str:
    """What the catalog shows of the step."""
    with catalog.connect() as connection:
        return str(connection.scalar(text("SELECT progress_json FROM steps")))
