"""workers.keeper: a claim is kept while its step runs, and the step hears when it must stop."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from assets_parser.spec import Plan, RunOptions
from catalog import claims, engine, levels, runs
from catalog.claims import Claim
from tests.support.cli import until
from tests.support.fleet import asset
from workers import keeper as keeping
from workers import pulse
from workers.keeper import Keeper, StopFlag
from workers.pulse import clock

ENDLESS = 100_000.0  # seconds that no test lasts


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Engine]:
    """A catalog with one run of one asset whose level has begun."""
    made = engine.connect(f"sqlite:///{tmp_path}/catalog/catalog.db")
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
    """The lease is renewed without the step's doing, again and again."""
    with Keeper(catalog, claim, lease=60.0, renew=1.0) as keeper:
        ends = [lease_end(catalog)]
        for _ in range(2):
            ends.append(until(lambda: later_than(ends[-1], catalog)))
        assert keeper.stop.reason is None
    assert ends[1] - ends[0] > 30, "it was held for two seconds"


def test_a_lease_shorter_than_the_usual_tick_is_kept_too(
    catalog: Engine, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Renewed as often as the settings say."""
    monkeypatch.setattr(keeping, "TICK", ENDLESS)
    with Keeper(catalog, claim, lease=60.0, renew=0.3) as keeper:
        first = lease_end(catalog)
        until(lambda: later_than(first, catalog))
        assert keeper.stop.reason is None


def test_progress_is_shown_soon(catalog: Engine, claim: Claim) -> None:
    """The newest progress reaches the catalog long before the lease must be renewed."""
    with Keeper(catalog, claim, lease=2 * ENDLESS, renew=ENDLESS) as keeper:
        keeper.progress({"rows": 1})
        keeper.progress({"rows": 7})
        until(lambda: '"rows":7' in progress_of(catalog))


def test_progress_that_cannot_be_shown_costs_nobody_the_claim(
    catalog: Engine, claim: Claim
) -> None:
    """Whatever a step tells of itself, its claim is renewed and a cancel is heard."""
    endless: dict[str, object] = {}
    endless["note"] = endless
    with Keeper(catalog, claim, lease=60.0, renew=1.0) as keeper:
        keeper.progress(endless)
        until(lambda: keeper._progress is None)  # it was tried
        first = lease_end(catalog)
        until(lambda: later_than(first, catalog))
        assert keeper.stop.reason is None
        runs.cancel(catalog, "aaaaa", "no longer wanted")
        assert keeper.stop.wait(120.0) == "cancelled"


def test_a_cancelled_run_is_noticed_between_renewals(catalog: Engine, claim: Claim) -> None:
    """Nobody waits for a renewal until a cancel is heard."""
    with Keeper(catalog, claim, lease=2 * ENDLESS, renew=ENDLESS) as keeper:
        runs.cancel(catalog, "aaaaa", "no longer wanted")
        assert keeper.stop.wait(120.0) == "cancelled"
        assert keeper.stop.words == "no longer wanted"


def test_a_lost_claim_stops_the_step(catalog: Engine, claim: Claim) -> None:
    """Once another attempt has the step this one may commit nothing."""
    with Keeper(catalog, claim, lease=2 * ENDLESS, renew=ENDLESS) as keeper:
        with catalog.begin() as connection:
            connection.execute(text("UPDATE steps SET token = token + 1"))
        assert keeper.stop.wait(120.0) == "fenced"


def test_a_catalog_that_is_away_does_not_stop_the_step(
    catalog: Engine, claim: Claim, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without the catalog nobody else can have the step either; it goes on."""
    with Keeper(catalog, claim, lease=2 * ENDLESS, renew=1.0) as keeper:
        with away(catalog, tmp_path):
            until(lambda: caplog.text.count("keeps running without the catalog") >= 2)
            assert keeper.stop.reason is None
        runs.cancel(catalog, "aaaaa", "later")
        assert keeper.stop.wait(120.0) == "cancelled"


def test_a_claim_that_took_long_is_renewed_before_the_work_begins(
    catalog: Engine, claim: Claim
) -> None:
    """Its process was paused, or waited: the lease may be nearly over."""
    since = clock() - 0.9 * ENDLESS
    with Keeper(catalog, claim, lease=ENDLESS, renew=0.5 * ENDLESS, since=since) as keeper:
        assert keeper.may_commit()
        assert keeper.stop.reason is None
        runs.cancel(catalog, "aaaaa", "no longer wanted")
        keeper.stop.wait(120.0)
        assert not keeper.may_commit()


class Hands:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.at = ENDLESS

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """The clock of all pulses; keepers look at it all the while."""
    made = Hands()
    monkeypatch.setattr(pulse, "clock", made)
    monkeypatch.setattr(keeping, "clock", made)
    monkeypatch.setattr(keeping, "TICK", 0.02)
    return made


@pytest.mark.parametrize(("broker", "reason"), [(True, None), (False, "cut off")])
def test_nothing_is_committed_without_the_catalog_and_nothing_runs_without_both(
    catalog: Engine,
    claim: Claim,
    tmp_path: Path,
    hands: Hands,
    broker: bool,
    reason: str | None,
) -> None:
    lease = 100.0
    with Keeper(catalog, claim, lease=lease, renew=0.02, connected=lambda: broker) as keeper:
        beats: list[float] = []
        keeper.pulse.add(beats.append)
        assert keeper.may_commit()
        with away(catalog, tmp_path):
            gone = hands.at
            for _ in range(3):
                hands.at += 0.5 * lease  # the last beat is believed yet, but another one overdue
                if broker:
                    until(lambda: beats[-1:] == [hands.at])
            until(lambda: keeper.stop.reason == reason)
            assert not keeper.may_commit()
            assert (max(beats, default=0.0) > gone) == broker


def test_nothing_overrules_a_fence() -> None:
    """A fenced step stays fenced, whatever is heard later."""
    stop = StopFlag()
    stop.set("cancelled", "by a person")
    stop.set("fenced", "lost")
    stop.set("cancelled", "again")
    assert (stop.wait(0), stop.reason, stop.words) == ("fenced", "fenced", "lost")


@contextmanager
def away(catalog: Engine, folder: Path) -> Iterator[None]:
    """While the body runs nobody can open the catalog, and nobody has it open."""
    (folder / "catalog").rename(folder / "aside")
    catalog.dispose()  # only now: between the two somebody might open it again
    yield
    (folder / "aside").rename(folder / "catalog")


def lease_end(catalog: Engine) -> float:
    """When the claim is lost, by the catalog's clock."""
    with catalog.connect() as connection:
        return float(connection.scalar(text("SELECT lease_until FROM steps")) or 0.0)


def later_than(end: float, catalog: Engine) -> float | None:
    """The end of the lease, if that is later by now."""
    found = lease_end(catalog)
    return found if found > end else None


def progress_of(catalog: Engine) -> str:
    """What the catalog shows of the step."""
    with catalog.connect() as connection:
        return str(connection.scalar(text("SELECT progress_json FROM steps")))
