"""Named places where a test may end, stop or delay this process. Called where a crash would hurt.

Inert unless the worker's own environment holds FLEET_CRASH="point=action[:nth]", several of them
separated by commas: at the nth time that the point is reached (the first one, if none is said) the
action is done: `kill` (SIGKILL), `stop` (SIGSTOP), `main` (kills the worker's main process, if it
or its child reaches the point) or `sleep/SECONDS`. FLEET_CRASH_LOG names a file that gets a line
"point pid" each time; the times are counted there, over all processes.
"""

import fcntl
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

WANTED = "FLEET_CRASH"
LOG = "FLEET_CRASH_LOG"
_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
_SLEEP = 5.0  # seconds, where none are said
_reached: dict[str, int] = {}  # by this process, where no file counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """What is done at a point, and at which time that it is reached."""

    action: str
    nth: int = 1


def reach(point: str) -> None:
    """Say that this process is at `point`; returns unless it was told to end here."""
    wanted = os.environ.get(WANTED)
    if wanted and (crash := parsed(wanted).get(point)) and _times(point) == crash.nth:
        _do(crash.action)


def parsed(text: str) -> dict[str, Crash]:
    """The points of FLEET_CRASH; ValueError where it says what cannot be done."""
    found = {}
    for part in filter(None, text.split(",")):
        point, _, rest = part.partition("=")
        action, _, nth = rest.partition(":")
        if action.partition("/")[0] not in (*_SIGNALS, "main", "sleep"):
            raise ValueError(f"{WANTED}: {part!r} is not point=kill|stop|main|sleep[:nth]")
        found[point.strip()] = Crash(action=action, nth=int(nth or 1))
    return found


def _times(point: str) -> int:
    """How often the point was reached, this time included."""
    log = os.environ.get(LOG)
    if not log:
        _reached[point] = _reached.get(point, 0) + 1
        return _reached[point]
    with Path(log).open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(f"{point} {os.getpid()}\n")
        file.flush()
        file.seek(0)
        return sum(line.split(" ", 1)[0] == point for line in file)


def _do(action: str) -> None:
    if found := _SIGNALS.get(action):
        os.kill(os.getpid(), found)
        return
    if action == "main":
        os.kill(_main(), signal.SIGKILL)
        return
    time.sleep(float(action.partition("/")[2] or _SLEEP))


def _main() -> int:
    """Our parent where it is the worker whose fork we are, else ourselves."""
    lines = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in (os.getpid(), os.getppid())]
    return os.getppid() if lines[0] == lines[1] else os.getpid()
