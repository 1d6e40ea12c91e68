"""The display for programs: one event per line on stdout. docs/events.md describes every one."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dispatcher.board import AssetRow, Board
from dispatcher.terminal import Terminal

VERSION = 1  # fields are only ever added under one version


class JsonDisplay:
    """Writes events; the summary is the event run.finished."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self._run = ""

    def start(self, board: Board, identity: str) -> None:
        """run.started"""
        run = board.run
        self._run = run.id
        levels = [[] for _ in range(run.levels)]  # type: list[list[str]]
        for row in board.rows.values():
            levels[row.level].append(row.name)
        self._emit("run.started", {"pipeline": run.pipeline, "levels": levels})

    def changed(self, row: AssetRow, before: AssetRow | None, board: Board) -> None:
        """asset.finished, or asset.changed before that"""
        if row.over:
            self._emit("asset.finished", finished(row, board.now))
        elif before is None or _moved(row, before):
            self._emit("asset.changed", _changed(row))
        elif row.done != before.done:
            self._emit("asset.progress", _progress(row))

    def log(self, asset: str, step: str, line: str) -> None:
        """asset.log"""
        self._emit("asset.log", {"asset": asset, "step": step, "line": line})

    def notice(self, text: str) -> None:
        """notice"""
        self._emit("notice", {"text": text.strip()})

    def tick(self, board: Board) -> None:
        """Nothing: programs need no heartbeat."""

    def close(self, board: Board) -> None:
        """run.finished"""
        states = sorted({row.state for row in board.rows.values()})
        run = board.run
        facts = {
            "state": run.state,
            "reason": run.reason,
            "seconds": round(max(0.0, (run.ended or board.now) - run.created), 3),
            "assets": {state: board.count(state) for state in states},
            "checks": checks(board),
        }
        self._emit("run.finished", facts)

    def _emit(self, event: str, facts: Mapping[str, Any]) -> None:
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        head = {"v": VERSION, "time": time, "event": event, "run": self._run}
        self.terminal.line(json.dumps(head | dict(facts), ensure_ascii=True))


def checks(board: Board) -> dict[str, int]:
    """How many checks passed and failed in the whole run."""
    rows = board.rows.values()
    passed, failed = sum(r.checks_passed for r in rows), sum(r.checks_failed for r in rows)
    return {"passed": passed, "failed": failed}


def finished(row: AssetRow, now: float) -> dict[str, Any]:
    """What is known of an asset at its end; `status --json` uses it too."""
    return {
        "asset": row.name,
        "state": row.state,
        "step": row.step,
        "reason": row.reason,
        "again": row.again,
        "rows": row.rows,
        "checks": {"passed": row.checks_passed, "failed": row.checks_failed},
        "blocks": row.blocks,
        "error": row.error,
        "seconds": round(row.seconds(now), 3),
    }


def _changed(row: AssetRow) -> dict[str, Any]:
    told = {"asset": row.name, "state": row.state, "step": row.step, "reason": row.reason}
    return told | {"again": row.again}


def _progress(row: AssetRow) -> dict[str, Any]:
    return {"asset": row.name, "step": row.step, "rows": row.done, "total": row.total}


def _moved(row: AssetRow, before: AssetRow) -> bool:
    def key(r: AssetRow) -> tuple[str, str, str]:
        return (r.state, r.step, r.reason)

    return key(row) != key(before)
