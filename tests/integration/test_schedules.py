"""Scheduled runs in a real catalog: each interval once, whoever looks, whatever was missed."""

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog import facts, runs
from dispatcher import schedules
from dispatcher.commands import schedule as commands
from dispatcher.fleets import Fleet as Target
from dispatcher.look import Look
from dispatcher.problems import FleetError
from dispatcher.run_flags import RunFlags
from dispatcher.running import Request
from dispatcher.schedules import Begun
from dispatcher.terminal import Terminal
from tests.support.broker import Valkey
from tests.support.cli import project
from tests.support.fleet import Fleet

_MORNING = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


@pytest.fixture
def fleet(tmp_path: Path, valkey: Valkey) -> Iterator[Fleet]:
    """A fleet without workers: runs are recorded and wait."""
    (tmp_path / "fleet").mkdir()
    fleet = Fleet(tmp_path / "fleet", valkey)
    yield fleet
    fleet.close()


class Clock:
    """A scheduler of one pipeline that looks when it is told."""

    def __init__(self, fleet: Fleet, folder: Path, more: str) -> None:
        if not folder.exists():
            project(folder, {"a": "---\nprint(1)\n"})
        (folder / "pipeline.yml").write_text(f"name: nightly\n{more}\n")
        self.fleet = fleet
        (self.one,) = schedules.find([folder])
        look = Look(terminal=Terminal(color=False))
        self.request = Request(target=(), flags=RunFlags(), overrides={}, look=look)
        self.target = Target(fleet.settings, "a fleet", shared=True)

    def look(self, **later: float) -> list[Begun]:
        """What is started when it looks so much later than that morning."""
        now = _MORNING + timedelta(**later)
        return list(schedules.look(self.fleet.engine, self.target, self.one, self.request, now))

    def end_all(self) -> None:
        """Let every run be over."""
        for run_id in runs.going_on(self.fleet.engine, self.fleet.settings.fleet, "nightly"):
            runs.cancel(self.fleet.engine, run_id, "the test")


def test_a_day_is_run_once_when_it_is_over(fleet: Fleet, tmp_path: Path) -> None:
    """The first look only begins to count; a run covers the whole day before."""
    clock = Clock(fleet, tmp_path / "p", "schedule: daily")
    assert clock.look() == []
    (begun,) = clock.look(days=1)
    assert clock.look(days=1, minutes=1) == []
    options = runs.options(fleet.engine, begun.run_id)
    assert (options.start, options.end) == (
        "2026-03-10T00:00:00+00:00",
        "2026-03-10T23:59:59.999999+00:00",
    )


def test_two_schedulers_start_an_interval_once(fleet: Fleet, tmp_path: Path) -> None:
    """Both look at the same moment; one run is there, under the same id for both."""
    clocks = [Clock(fleet, tmp_path / "p", "schedule: daily\nconcurrency: 9") for _ in range(2)]
    clocks[0].look()
    with ThreadPoolExecutor(2) as pool:
        begun = list(pool.map(lambda clock: clock.look(days=1), clocks))
    assert len(begun[0] + begun[1]) == 1
    assert len(runs.recent(fleet.engine)) == 1


def test_a_scheduler_that_died_before_it_noted_the_run_starts_no_second(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run's id is made of its interval: the next look finds it and goes on."""
    clock = Clock(fleet, tmp_path / "p", "schedule: daily\nconcurrency: 9")
    clock.look()
    monkeypatch.setattr(schedules.facts, "replace", lambda *_: False)
    assert len(clock.look(days=1)) == 1
    monkeypatch.undo()
    assert clock.look(days=1) == []
    assert len(clock.look(days=2)) == 1


@pytest.mark.parametrize(("catchup", "days"), [("false", [12]), ("true", [10, 11, 12])])
def test_after_a_pause_the_newest_day_is_run_or_all_of_them(
    fleet: Fleet, tmp_path: Path, catchup: str, days: list[int]
) -> None:
    """Three days nobody looked; `catchup` decides, oldest first."""
    more = f"schedule: daily\ncatchup: {catchup}\nconcurrency: 5"
    clock = Clock(fleet, tmp_path / "p", more)
    clock.look()
    assert [begun.start.day for begun in clock.look(days=3)] == days


def test_a_run_waits_until_the_one_before_is_over(fleet: Fleet, tmp_path: Path) -> None:
    """`concurrency` is one unless the pipeline says more; nothing is skipped."""
    clock = Clock(fleet, tmp_path / "p", "schedule: daily\ncatchup: true")
    clock.look()
    assert [begun.start.day for begun in clock.look(days=2)] == [10]
    assert clock.look(days=2, minutes=1) == []
    clock.end_all()
    assert [begun.start.day for begun in clock.look(days=2, minutes=2)] == [11]


def test_catching_up_begins_with_the_start_date(fleet: Fleet, tmp_path: Path) -> None:
    """The first look of all runs what lies between `start_date` and now."""
    more = 'schedule: daily\ncatchup: true\nconcurrency: 9\nstart_date: "2026-03-08"'
    clock = Clock(fleet, tmp_path / "p", more)
    assert [begun.start.day for begun in clock.look()] == [8, 9]


def test_without_pause_one_run_follows_the_other(fleet: Fleet, tmp_path: Path) -> None:
    """`continuous` covers the time since the run before was started."""
    clock = Clock(fleet, tmp_path / "p", "schedule: continuous")
    assert clock.look() == []
    (first,) = clock.look(minutes=5)
    assert clock.look(minutes=6) == []
    clock.end_all()
    (second,) = clock.look(minutes=7)
    assert (first.end, second.end - second.start) == (second.start, timedelta(minutes=2))


def test_two_schedulers_let_one_run_follow_the_other(fleet: Fleet, tmp_path: Path) -> None:
    """They look at two moments, before either has noted its run: the first one's counts."""
    clocks = [Clock(fleet, tmp_path / "p", "schedule: continuous\nconcurrency: 9") for _ in "ab"]
    clocks[0].look()
    looks = [
        schedules.look(fleet.engine, clock.target, clock.one, clock.request, now)
        for clock, now in zip(
            clocks, (_MORNING + timedelta(minutes=m) for m in (5, 6)), strict=True
        )
    ]
    first = next(looks[0])
    assert list(looks[1]) == []
    assert list(looks[0]) == []
    (second,) = clocks[1].look(minutes=7)
    assert (second.start, second.end) == (first.end, _MORNING + timedelta(minutes=7))


@pytest.mark.parametrize(
    ("more", "words"),
    [('schedule: "0 0 30 2 *"', "never fires"), ("schedule: daily\nstart_date: soon", "soon")],
)
def test_a_schedule_that_never_is_due_is_refused(
    fleet: Fleet, tmp_path: Path, more: str, words: str
) -> None:
    """When it is read, and not when it is looked at: the others would not be looked at."""
    with pytest.raises(FleetError, match=words):
        Clock(fleet, tmp_path / "p", more)


def test_assets_that_cannot_be_read_stop_no_other_pipeline(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said, and it is tried again at the next look."""
    clocks = [Clock(fleet, tmp_path / name, "schedule: '* * * * *'") for name in "pq"]
    (tmp_path / "q" / "pipeline.yml").write_text("name: other\nschedule: '* * * * *'\n")
    (other,) = schedules.find([tmp_path / "q"])
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    for one in (clocks[0].one, other):
        facts.get_or_add(fleet.engine, schedules._fact(clocks[0].target, one), since)
    (tmp_path / "p" / "pipeline.yml").write_text("name: [nightly\n")
    commands._look(fleet.engine, clocks[0].target, [clocks[0].one, other], clocks[0].request)
    assert "nightly" in capsys.readouterr().err
    assert [run.pipeline for run in runs.recent(fleet.engine)] == ["other"]


def test_a_broker_that_is_away_delays_a_scheduled_run(fleet: Fleet, tmp_path: Path) -> None:
    """It is recorded, not cancelled: reconcile sends it when the broker is back."""
    clock = Clock(fleet, tmp_path / "p", "schedule: daily")
    clock.look()
    away = dataclasses.replace(fleet.settings, broker="redis://127.0.0.1:9/0")
    clock.target = Target(away, "a fleet", shared=True)
    (begun,) = clock.look(days=1)
    assert str(runs.get(fleet.engine, begun.run_id).state) == "queued"
