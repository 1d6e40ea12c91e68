"""The guardian, with small programs instead of assets."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from workers.keeper import StopFlag
from workers.supervisor import Supervisor, SupervisorError


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    """One that is closed at the end."""
    found = Supervisor()
    yield found
    found.close()


def sh(supervisor: Supervisor, script: str, **given: object) -> tuple[list[str], object]:
    """Run a shell script: its lines and its end."""
    lines: list[str] = []
    env = {"PATH": os.defpath}
    ended = supervisor.run(["/bin/sh", "-c", script], env, "/", on_line=lines.append, **given)  # type: ignore[arg-type]
    return lines, ended


def test_one_guardian_serves_many_runs(supervisor: Supervisor) -> None:
    """Codes and signals are told apart, output is whole."""
    lines, ended = sh(supervisor, "echo $PPID; echo err >&2; exit 3")
    again, killed = sh(supervisor, "echo $PPID; kill -9 $$")
    assert lines == [again[0], "err"]
    assert (ended.code, ended.signal, killed.code, killed.signal) == (3, 0, 0, 9)  # type: ignore[attr-defined]


def test_only_the_given_environment_is_there(supervisor: Supervisor) -> None:
    """And a session of its own, without a terminal or open files of ours."""
    lines, _ = sh(supervisor, "env | cut -d= -f1 | sort; cat")
    assert set(lines) <= {"PATH", "PWD", "OLDPWD", "SHLVL", "_"}
    # by the shell itself: its look is one more file, a pipeline would be some more for a moment
    seen, _ = sh(supervisor, "[ -d /proc/$$/fd ] || exit 0; cd /proc/$$/fd; echo *")
    assert len(" ".join(seen).split()) <= 4


@pytest.mark.parametrize("argv", [["/nonexistent"], ["/etc/passwd"]])
def test_what_cannot_start_says_why(supervisor: Supervisor, argv: list[str]) -> None:
    """The system's reason; the guardian goes on."""
    with pytest.raises(SupervisorError, match=argv[0]):
        supervisor.run(argv, {}, "/", on_line=print)
    assert sh(supervisor, "echo on")[0] == ["on"]


def test_a_missing_working_folder_says_so(supervisor: Supervisor) -> None:
    """It is the same kind of error."""
    with pytest.raises(SupervisorError, match="/nonexistent"):
        supervisor.run(["/bin/true"], {}, Path("/nonexistent"), on_line=print)


def test_who_ignores_term_is_killed_after_the_grace(supervisor: Supervisor) -> None:
    """With all that it started; it is asked once it has said that it ignores that."""
    script = "trap '' TERM; sleep 600 & echo $!; while true; do sleep 1; done"
    pids: list[int] = []
    stop = StopFlag()

    def hear(line: str) -> None:
        pids.append(int(line))
        stop.set("cancelled")

    argv = ["/bin/sh", "-c", script]
    ended = supervisor.run(
        argv, {"PATH": os.defpath}, "/", on_line=hear, stop=stop, timeout=300, grace=0.3
    )
    assert (ended.reason, ended.signal) == ("cancelled", 9)
    assert not psutil.pid_exists(pids[0])


_PAUSED = """
import sys, time
from workers import orphans, supervisor

orphans.take_in()
begin = supervisor.Supervisor._begin


def paused(self, *order):
    reading = begin(self, *order)
    time.sleep(2.5)
    return reading


supervisor.Supervisor._begin = paused
one, tree = supervisor.Supervisor(), ["/bin/sh", "-c", "setsid sleep 600 & echo $!; wait"]


def seen(line):
    print(line)
    one.drop_guardian()


ended = one.run(tree, {"PATH": "/usr/bin:/bin"}, "/", on_line=seen)
print(ended.reason)
"""


def test_a_killed_guardian_leaves_nothing_although_its_worker_was_paused() -> None:
    """What began before its worker looked is of this run, too."""
    argv = [sys.executable, "-P", "-c", _PAUSED]
    told = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120).stdout
    pid, reason = told.split()
    left = psutil.pid_exists(int(pid))
    if left:
        os.kill(int(pid), signal.SIGKILL)
    assert (reason, left) == ("lost", False)


def test_who_takes_too_long_is_ended(supervisor: Supervisor) -> None:
    """However far it has come by then."""
    _, ended = sh(supervisor, "exec sleep 600", timeout=0.3)
    assert (ended.reason, ended.signal) == ("timeout", 15)  # type: ignore[attr-defined]


def test_a_large_order_arrives_whole(supervisor: Supervisor) -> None:
    """An environment of some megabytes is sent in many pieces."""
    env = {f"V{n}": "x" * 100_000 for n in range(10)}
    lines: list[str] = []
    supervisor.run(["/usr/bin/env"], env, "/", on_line=lines.append)
    assert len(lines) == 10


def test_an_error_while_writing_the_log_ends_the_process(supervisor: Supervisor) -> None:
    """It reaches the caller, and nothing goes on unseen."""
    pids: list[int] = []

    def fail(line: str) -> None:
        pids.append(int(line))
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        supervisor.run(["/bin/sh", "-c", "echo $$; exec sleep 600"], {}, "/", on_line=fail)
    assert not psutil.pid_exists(pids[0])
