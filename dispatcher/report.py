"""The end of a run: every failure with its cause, place and next command; one line for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dispatcher.board import Board
from dispatcher.terminal import Terminal, printable
from dispatcher.words import duration, number, some

_INDENT = "      "
_DETAIL_LINES = 20  # more is in the log
_ORDER = ("succeeded", "failed", "upstream_failed", "skipped", "cancelled", "queued", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCheck:
    """One check that did not hold."""

    id: str
    message: str
    blocking: bool
    observed: str = ""
    expected: str = ""
    query: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why one asset failed. `frames` hold file, line, function, source; `waiting` is a count."""

    asset: str
    step: str
    look: str = "failed"
    message: str = ""
    detail: str = ""
    hint: str = ""
    frames: Sequence[Mapping[str, Any]] = ()
    attempt: int = 1
    attempts: int = 1
    worker: str = ""
    checks: Sequence[FailedCheck] = field(default_factory=tuple)
    waiting: int = 0


def show(terminal: Terminal, board: Board, failures: Sequence[Failure]) -> None:
    """Print failures, what runs them again, and the summary."""
    if failures:
        terminal.line()
        terminal.line(terminal.style("failed", bold=True))
        for failure in failures:
            for line in failure_lines(terminal, failure, board.run.id):
                terminal.line(line)
            if terminal.github:
                terminal.line(_annotation(failure))
        terminal.line()
    if rest := again(terminal, board):
        terminal.line(rest)
    terminal.line(summary(terminal, board))


def again(terminal: Terminal, board: Board) -> str:
    """`again  fleet retry 7f3k2    runs what failed and the 3 assets that wait for it`."""
    if board.run.state == "succeeded":
        return ""
    command = f"again  fleet retry {board.run.id}"
    waiting = board.count("upstream_failed")
    wait = "asset that waits" if waiting == 1 else f"{number(waiting)} assets that wait"
    parts = ["what failed"] if board.count("failed") else []
    parts += [f"the {wait} for it"] if waiting else []
    parts += ["what was cancelled"] if board.count("cancelled") else []
    note = f"    runs {' and '.join(parts) or 'what is left'}"
    if terminal.tty and len(command + note) >= terminal.width:
        return command
    return command + terminal.style(note, dim=True)


def failure_lines(terminal: Terminal, failure: Failure, run_id: str) -> list[str]:
    """All that is known about one failure."""
    body = [*_frames(failure), *_cause(failure), *_checks(failure), *_detail(failure)]
    body += [f"hint   {printable(failure.hint)}"] if failure.hint else []
    body += [f"log    fleet logs {run_id} {failure.asset}"]
    return [_head(terminal, failure), *(_INDENT + line for line in body)]


def summary(terminal: Terminal, board: Board) -> str:
    """`run 7f3k2 failed in 19.2s · 10 succeeded · 2 failed · 27 of 28 checks passed`."""
    run = board.run
    took = duration(max(0.0, (run.ended or board.now) - run.created))
    colors = {"succeeded": "green", "failed": "red", "interrupted": "red"}
    state = terminal.style(run.state, colors.get(run.state, "yellow"), bold=True)
    counts = [f"{n} {state}" for state in _ORDER if (n := board.count(state))]
    counted = run.state == "succeeded" or run.reason[:1].isdigit()  # the counts say it too
    reason = [printable(run.reason)] if run.reason and not counted else []
    parts = [f"run {run.id} {state} in {took}", *reason, *counts, *_check_count(board)]
    return " · ".join(parts)


def _check_count(board: Board) -> list[str]:
    passed = sum(row.checks_passed for row in board.rows.values())
    total = passed + sum(row.checks_failed for row in board.rows.values())
    return [f"{passed} of {some(total, 'check')} passed"] if total else []


def _head(terminal: Terminal, failure: Failure) -> str:
    parts = [failure.asset, failure.step]
    parts += [f"attempt {failure.attempt} of {failure.attempts}"] if failure.attempts > 1 else []
    parts += [f"worker {failure.worker}"] if failure.worker else []
    wait = "1 asset waits" if failure.waiting == 1 else f"{number(failure.waiting)} assets wait"
    parts += [f"{wait} for it"] if failure.waiting else []
    name, *rest = (printable(part) for part in parts if part)
    return f"  {terminal.sign(failure.look)} {terminal.style(name, bold=True)} · {' · '.join(rest)}"


def _frames(failure: Failure) -> list[str]:
    lines = []
    for frame in failure.frames:
        function = f" in {frame['function']}" if frame.get("function") else ""
        lines.append(f"{frame.get('file', '?')}:{frame.get('line', '?')}{function}")
        lines += [f"    {frame['source'].strip()}"] if frame.get("source") else []
    return [printable(line) for line in lines]


def _cause(failure: Failure) -> list[str]:
    return [printable(line) for line in failure.message.splitlines()]


def _detail(failure: Failure) -> list[str]:
    if failure.checks:  # each has said more than that
        return []
    lines = [line.rstrip() for line in map(printable, failure.detail.rstrip().splitlines())]
    said = {line for line in lines if line.strip().removeprefix("error: ") in failure.message}
    lines = list(dict.fromkeys(line for line in lines if line not in said))
    if len(lines) > _DETAIL_LINES:
        return [f"… {len(lines) - _DETAIL_LINES} lines before", *lines[-_DETAIL_LINES:]]
    return lines


def _checks(failure: Failure) -> list[str]:
    lines = []
    for check in failure.checks:
        kind = "" if check.blocking else " (not blocking)"
        said, *more = check.message.strip().splitlines() or [""]
        lines.append(f"{check.id}{kind}  {said}")
        lines += [f"    {line}" for line in more if line.strip()]
        if check.observed or check.expected:
            lines.append(f"    observed {check.observed or 'nothing'}, expected {check.expected}")
        lines += [f"    {line}" for line in check.query.strip().splitlines()]
    return [printable(line) for line in lines]


def _annotation(failure: Failure) -> str:
    """The failure in the form that GitHub shows beside the code."""
    frame = failure.frames[-1] if failure.frames else {}
    place = f"file={frame['file']},line={frame.get('line', 1)}" if frame.get("file") else "file="
    text = printable(f"{failure.asset} failed in {failure.step}: {failure.message}")
    return f"::error {place}::{text.replace('%', '%25')}"
