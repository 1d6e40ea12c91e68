"""The displays and the report, driven by hand-made boards."""

import io
import json

import pytest

from dispatcher import report
from dispatcher.board import AssetRow, Board, RunRow
from dispatcher.display_json import JsonDisplay
from dispatcher.display_live import LiveDisplay
from dispatcher.display_plain import PlainDisplay
from dispatcher.lines import Lines
from dispatcher.report import FailedCheck, Failure
from dispatcher.terminal import Terminal

NOW = 1_000.0


def plain() -> Terminal:
    """A terminal that is a pipe."""
    return Terminal(out=io.StringIO(), err=io.StringIO(), environ={})


def utf8() -> Terminal:
    """A pipe that takes every sign."""
    return Terminal(out=io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), environ={})


def row(name: str, state: str, **more: object) -> AssetRow:
    """A row that began 2 s ago."""
    facts = {"level": 0, "started": NOW - 2, "ended": NOW - 1 if state != "running" else 0.0}
    return AssetRow(name=name, state=state, **(facts | more))  # type: ignore[arg-type]


def board(*rows: AssetRow, state: str = "running") -> Board:
    """A board of two levels."""
    run = RunRow(id="7f3k2", pipeline="shop", state=state, level=1, levels=2, created=NOW - 19.2)
    return Board(run=run, rows={r.name: r for r in rows}, now=NOW)


def test_one_aligned_line_for_each_way_to_end() -> None:
    lines = Lines(utf8(), 13)
    rows = [
        row("raw.orders", "succeeded", rows=20_000, checks_passed=2),
        row("raw.lucky", "succeeded", rows=3, again="worker w1 was lost"),
        row("raw.broken", "failed", step="materialize", error="ZeroDivisionError: by zero"),
        row("mart.revenue", "upstream_failed", reason="by raw.broken", started=0.0),
        row("mart.people", "failed", step="checks", rows=12, checks_passed=2, checks_failed=1),
    ]
    assert [lines.ended(one, NOW) for one in rows] == [
        "  ✓ raw.orders        20,000 rows   2 checks      1.0s",
        "  ✓ raw.lucky              3 rows                 1.0s   (again: worker w1 was lost)",
        "  ✗ raw.broken     failed in materialize     1.0s   ZeroDivisionError: by zero",
        "  ⊘ mart.revenue   upstream_failed by raw.broken",
        "  ! mart.people           12 rows   2 of 3 checks passed, 1 failed"
        " (not blocking)     1.0s",
    ]


def test_a_running_line_shows_progress_and_a_waiting_one_its_reason() -> None:
    lines = Lines(utf8(), 6)
    running = row("a", "running", step="load", done=210_000, total=1_000_000)
    waiting = row("b", "running", step="load", waits=True, reason="waits for the lock on x (a)")
    assert lines.active(running, NOW) == "  ● a       load 210,000 of 1,000,000 rows    2.0s"
    assert lines.active(waiting, NOW) == "  · b       waits for the lock on x (a)    2.0s"
    widest = len(lines.what(running, NOW))
    both = [lines.active(one, NOW, widest) for one in (running, waiting)]
    assert len({len(line) for line in both}) == 1, "the times are below each other"


def test_what_waits_for_a_moment_counts_down_to_it() -> None:
    lines = Lines(utf8(), 6)
    reason = "not satisfied: its query gave 0; it looks again in 30 s"
    sensor = row("a", "running", step="sensor", waits=True, reason=reason, due=NOW + 12.3)
    assert lines.what(sensor, NOW) == "next look in 13s · not satisfied: its query gave 0"
    assert lines.what(sensor, NOW + 11) == "next look in 2s · not satisfied: its query gave 0"
    assert lines.what(sensor, NOW + 13) == reason
    retry = row("a", "running", step="query", waits=True, reason="no route", due=NOW + 90)
    assert lines.what(retry, NOW) == "next try in 1m 30s · no route"


def test_what_waits_is_not_counted_as_running() -> None:
    waiting = row("b", "running", step="load", waits=True, reason="waits for the lock on x (a)")
    line = Lines(utf8(), 6).whole(board(row("a", "running"), waiting))
    assert "0 of 2 · 1 running · 1 waiting" in line


def test_a_pipe_gets_a_line_per_change_and_the_lines_of_assets() -> None:
    terminal = plain()
    display = PlainDisplay(terminal, quiet=False, verbose=False)
    now = board(row("raw.a", "queued", started=0.0))
    display.start(now, "run 7f3k2")
    running = row("raw.a", "running", step="script")
    display.changed(running, now.rows["raw.a"], now)
    display.log("raw.a", "script", "hello \x1b[1mworld\x1b[0m")
    display.changed(row("raw.a", "succeeded"), running, now)
    shown = terminal.out.getvalue().splitlines()  # type: ignore[attr-defined]
    assert shown[0] == "run 7f3k2"
    assert shown[1].endswith("raw.a  script")
    assert shown[2] == "[raw.a] hello world"
    assert "raw.a" in shown[3]


def test_a_pipe_hears_of_long_waits_only() -> None:
    terminal = plain()
    display = PlainDisplay(terminal, quiet=False, verbose=False)
    waiting = row("raw.a", "running", step="load", waits=True, reason="waits for the lock on x")
    short, long = board(waiting), board(waiting)
    long.now += 2
    display.start(short, "run 7f3k2")
    display.changed(waiting, None, short)
    display.tick(short)
    display.changed(row("raw.a", "running", step="load"), waiting, short)
    display.tick(long)
    display.changed(row("raw.a", "running", step="load"), waiting, long)
    display.changed(waiting, None, short)
    display.tick(long)
    display.tick(long)
    display.changed(row("raw.a", "running", step="load"), waiting, long)
    shown = terminal.out.getvalue().splitlines()  # type: ignore[attr-defined]
    assert [line.partition(" ")[2] for line in shown[1:]] == [
        "* raw.a  load",
        ". raw.a  waits for the lock on x",
        "* raw.a  load",
    ]


def test_quiet_prints_nothing_while_the_run_goes_on() -> None:
    terminal = plain()
    display = PlainDisplay(terminal, quiet=True, verbose=False)
    now = board(row("raw.a", "succeeded"))
    display.start(now, "run 7f3k2")
    display.changed(now.rows["raw.a"], None, now)
    display.log("raw.a", "script", "hello")
    assert terminal.out.getvalue() == ""  # type: ignore[attr-defined]


def test_json_events_are_versioned_and_name_their_run() -> None:
    terminal = plain()
    display = JsonDisplay(terminal)
    done = row("raw.a", "succeeded", rows=3, checks_passed=1)
    now = board(done, state="succeeded")
    display.start(now, "")
    display.changed(done, None, now)
    display.log("raw.a", "script", "naïve\n")
    display.close(now)
    events = [json.loads(line) for line in terminal.out.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert [e["event"] for e in events] == [
        "run.started",
        "asset.finished",
        "asset.log",
        "run.finished",
    ]
    assert {(e["v"], e["run"]) for e in events} == {(1, "7f3k2")}
    assert events[1]["rows"] == 3
    assert events[-1]["checks"] == {"passed": 1, "failed": 0}


def test_a_failure_names_cause_place_and_the_next_commands() -> None:
    failure = Failure(
        asset="staging.payments",
        step="materialize",
        message="ZeroDivisionError: division by zero",
        frames=[{"file": "a.py", "line": 27, "function": "materialize", "source": "x = 1 / 0"}],
        attempt=2,
        attempts=2,
        worker="host-a",
        waiting=2,
    )
    lines = report.failure_lines(utf8(), failure, "7f3k2")
    assert lines == [
        "  ✗ staging.payments · materialize · attempt 2 of 2 · worker host-a"
        " · 2 assets wait for it",
        "      a.py:27 in materialize",
        "          x = 1 / 0",
        "      ZeroDivisionError: division by zero",
        "      log    fleet logs 7f3k2 staging.payments",
    ]


class OldScreen(io.TextIOWrapper):
    """A terminal whose locale has no UTF-8."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_the_live_region_keeps_to_the_signs_of_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TERM", "xterm"), ("COLUMNS", "80"), ("LINES", "24")):
        monkeypatch.setenv(name, value)
    out = OldScreen(io.BytesIO(), encoding="latin-1")
    display = LiveDisplay(Terminal(out=out, environ={}), quiet=False, verbose=False)
    some = board(row("raw.naïve", "running", step="load"), row("raw.done", "succeeded"))
    display.start(some, "run 7f3k2 · shop")
    display.close(some)
    out.flush()
    shown = out.buffer.getvalue().decode("latin-1")  # type: ignore[attr-defined]
    assert "run 7f3k2 - shop" in shown
    assert "raw.na?ve  load" in shown
    assert "======>" in shown


def test_a_failed_check_shows_what_was_seen_and_asked() -> None:
    check = FailedCheck(
        id="a:id:unique", message="2 values", blocking=False, observed="2", expected="0", query="q"
    )
    lines = report.failure_lines(utf8(), Failure(asset="a", step="checks", checks=[check]), "7f3k2")
    assert "      a:id:unique (not blocking)  2 values" in lines
    assert "          observed 2, expected 0" in lines
    assert "          q" in lines
    said = "its query failed: no column x\n\nLINE 1: select x\n               ^\n"
    failed = FailedCheck(id="a:custom:b", message=said, blocking=True)
    lines = report.failure_lines(utf8(), Failure(asset="a", step="checks", checks=[failed]), "r")
    assert lines[1:4] == [
        "      a:custom:b  its query failed: no column x",
        "          LINE 1: select x",
        "                         ^",
    ]


def test_long_details_keep_their_end() -> None:
    detail = "\n".join(f"line {n}" for n in range(100))
    lines = report.failure_lines(utf8(), Failure(asset="a", step="load", detail=detail), "7f3k2")
    assert "      … 80 lines before" in lines
    assert "      line 99" in lines
    assert "      line 10" not in lines


def test_one_command_runs_all_that_is_left() -> None:
    bad = [row("b", "failed"), row("c", "upstream_failed"), row("d", "upstream_failed")]
    assert report.again(utf8(), board(*bad, state="failed")) == (
        "again  fleet retry 7f3k2    runs what failed and the 2 assets that wait for it"
    )
    stopped = board(row("a", "succeeded"), row("b", "cancelled"), state="cancelled")
    assert report.again(utf8(), stopped).endswith("    runs what was cancelled")
    assert not report.again(utf8(), board(row("a", "succeeded"), state="succeeded"))


def test_the_summary_counts_states_and_checks() -> None:
    now = board(
        row("a", "succeeded", checks_passed=27),
        row("b", "failed", checks_failed=1),
        row("c", "upstream_failed"),
        state="failed",
    )
    assert report.summary(utf8(), now) == (
        "run 7f3k2 failed in 19s · 1 succeeded · 1 failed · 1 upstream_failed"
        " · 27 of 28 checks passed"
    )
