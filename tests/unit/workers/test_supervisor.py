"""The guardian, with small programs instead of assets."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

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
    """With all that it started."""
    script = "trap '' TERM; sleep 600 & echo $!; while true; do sleep 1; done"
    lines, ended = sh(supervisor, script, timeout=0.3, grace=0.3)
    assert (ended.reason, ended.signal) == ("timeout", 9)  # type: ignore[attr-defined]
    assert not psutil.pid_exists(int(lines[0]))


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
