"""workers.livelog: the file keeps all, the stream shows it soon, gaps are told."""

import time
from pathlib import Path

import pytest

from tests.support.broker import Valkey
from tests.support.cli import until
from workers import livelog
from workers.livelog import Follower, LiveLog
from workers.settings import Settings

WHERE = ("raw.orders", "load", 1)


@pytest.fixture
def settings(tmp_path: Path, valkey: Valkey) -> Settings:
    """Settings of a fleet with this test's broker."""
    given = {"home": tmp_path, "broker": valkey.url}
    return Settings.load({"FLEET_CONFIG": ""}, given)


def test_a_follower_sees_masked_lines_in_order(settings: Settings) -> None:
    """What the file holds and what a follower reads is the same."""
    redis = livelog.client(settings)
    with livelog.open_log(
        settings, redis, "7f3k2", WHERE, lambda text: text.replace("hunter2", "***")
    ) as log:
        log.line("connects with hunter2")
        log.line("two\nlines")
    lines = list(Follower(redis, settings.fleet, "7f3k2").read(1.0))
    texts = ["connects with ***", "two", "lines"]
    assert [(line.asset, line.step, line.number) for line in lines] == [WHERE] * 3
    assert [line.text for line in lines] == texts
    assert [(line.seq, line.missed) for line in lines] == [(1, 0), (2, 0), (3, 0)]
    assert log.path.read_text("utf-8").splitlines() == texts


def test_a_line_is_seen_while_the_step_runs(settings: Settings) -> None:
    """Nobody waits for the end of a step to see what it prints."""
    redis = livelog.client(settings)
    follower = Follower(redis, settings.fleet, "7f3k2")
    with livelog.open_log(settings, redis, "7f3k2", WHERE, str) as log:
        log.line("first")
        assert [line.text for line in until(lambda: list(follower.read(1.0)))] == ["first"]
        assert log.path.read_text("utf-8") == "first\n"


def test_lines_beyond_the_bound_are_told_as_missed(settings: Settings) -> None:
    """A step that prints without end fills neither the broker nor a follower's memory."""
    redis = livelog.client(settings)
    follower = Follower(redis, settings.fleet, "7f3k2")
    with livelog.open_log(settings, redis, "7f3k2", WHERE, str) as log:
        for number in range(1, 20_001):
            log.line(f"line {number}")
    lines = []
    while batch := list(follower.read(0.2)):
        lines += batch
    assert lines[-1].text == "line 20000"
    assert sum(line.missed for line in lines) + len(lines) == 20_000
    assert len(log.path.read_text("utf-8").splitlines()) == 20_000


def test_a_broker_that_is_away_costs_lines_of_the_stream_only(
    settings: Settings, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The asset goes on and its file is complete; the follower is told of the gap."""
    redis = livelog.client(settings)
    tried: list[str] = []  # to send, whatever came of it
    send = livelog.Stream._send

    def sent(stream: livelog.Stream, lines: list[tuple[int, str]]) -> None:
        send(stream, lines)
        tried.extend(text for _, text in lines)

    monkeypatch.setattr(livelog.Stream, "_send", sent)
    with livelog.open_log(settings, redis, "7f3k2", WHERE, str) as log:
        log.line("before")
        until(lambda: len(tried) == 1)
        valkey.stop()
        for number in range(10):
            log.line(f"during {number}")
        until(lambda: len(tried) == 11)
        valkey.start()
        time.sleep(2.5)  # from the last failure on it is left alone for two seconds
        log.line("after")
    lines = list(Follower(livelog.client(settings), settings.fleet, "7f3k2").read(1.0))
    assert [(line.text, line.missed) for line in lines] == [("before", 0), ("after", 10)]
    assert len(log.path.read_text("utf-8").splitlines()) == 12


def test_without_a_broker_the_file_is_written(tmp_path: Path) -> None:
    """A log needs its file only."""
    with LiveLog(tmp_path / "logs" / "x.log") as log:
        log.line("alone")
    assert (tmp_path / "logs" / "x.log").read_text("utf-8") == "alone\n"
