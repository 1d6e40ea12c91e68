"""Follows a run with the right display, then tells its end. Used by `fleet run` and `follow`."""

from sqlalchemy import Engine

from catalog import runs
from dispatcher import log_files, report, submit, views
from dispatcher.board import Board
from dispatcher.display_json import JsonDisplay
from dispatcher.display_plain import PlainDisplay
from dispatcher.fleets import Fleet
from dispatcher.follow import Display, Follow, Left, Logs
from dispatcher.look import Look
from dispatcher.terminal import Terminal


def follow(engine: Engine, run_id: str, fleet: Fleet, look: Look, *, identity: str) -> int:
    """Show the run to its end; the exit code."""
    following = Follow(engine, run_id, _display(look), _logs(engine, run_id, fleet), fleet)
    try:
        board = following.to_end(identity)
    except Left:
        return _left(engine, run_id, fleet, look.terminal)
    submit.take_back(fleet.settings, run_id)
    if look.verbose and not look.as_json:
        from dispatcher import status_text

        status_text.timings(look.terminal, engine, board)
    if not look.as_json:
        report.show(look.terminal, board, views.failures(engine, run_id))
    ended = code(board, following.interrupts)
    return _code_of_check(engine, run_id) if ended == 1 else ended


def code(board: Board, interrupts: int = 0) -> int:
    """The exit code that says how the run ended."""
    if board.run.state == "succeeded":
        return 0
    return 130 if interrupts else 1


def _code_of_check(engine: Engine, run_id: str) -> int:
    """As Bruin: a single check that could not be asked is 2, one that does not hold is 1."""
    if not runs.options(engine, run_id).single_check:
        return 1
    failed = [check for check in runs.check_results(engine, run_id) if not check.passed]
    return 1 if any(check.observed for check in failed) else 2


def _left(engine: Engine, run_id: str, fleet: Fleet, terminal: Terminal) -> int:
    if fleet.embedded:
        terminal.note(f"run {run_id} is interrupted: its fleet ends with this command")
    else:
        terminal.note(f"left run {run_id}; come back with: fleet follow {run_id}")
    return 130


def _display(look: Look) -> Display:
    if look.as_json:
        return JsonDisplay(look.terminal)
    if look.terminal.tty:
        from dispatcher.display_live import LiveDisplay  # rich is needed on a terminal only

        return LiveDisplay(look.terminal, quiet=look.quiet, verbose=look.verbose)
    return PlainDisplay(look.terminal, quiet=look.quiet, verbose=look.verbose)


def _logs(engine: Engine, run_id: str, fleet: Fleet) -> Logs:
    if fleet.shared:
        names = [view.asset for view in runs.asset_runs(engine, run_id)]
        return log_files.of_run(fleet.settings, run_id, names)
    from dispatcher.live_logs import LiveLogs

    return LiveLogs(fleet.settings, run_id)
