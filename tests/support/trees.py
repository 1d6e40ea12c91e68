"""A step's process tree that resists: it ignores TERM and has a member in a session of its own.

The stub worker starts one where an asset says `<step>_tree`; tests ask what is left of it. Its
members write the time into a file all the while, so that their end is known to the moment.
"""

import time
from pathlib import Path

from workers.context import StepContext
from workers.errors import Kind, StepFailed
from workers.pulse import HELD
from workers.supervisor import mine

MARK = "FLEET_TEST_TREE"
_BEAT = "trap '' TERM; while :; do date +%s.%N >> \"$FLEET_TEST_TREE\"; sleep 0.05; done"
_TREE = f'setsid /bin/sh -c "$BEAT" & {_BEAT}'


def grow(context: StepContext, folder: Path) -> None:
    """Run a tree until it is ended; StepFailed then, as of any asset."""
    env = {MARK: str(folder / "beats"), "BEAT": _BEAT, "PATH": "/usr/bin:/bin"}
    ended = mine().run(
        ["/bin/sh", "-c", _TREE],
        env,
        "/",
        on_line=context.log.line,
        stop=context.stop,
        lease=context.settings.lease * HELD,
        grace=context.settings.stop_grace,
    )
    kind: Kind = "lost" if ended.reason in ("lease", "lost") else "script"
    raise StepFailed(kind, f"its tree was ended: {ended.reason or ended.signal}")


def members(folder: Path) -> list[int]:
    """The processes of the folder's trees that live."""
    mark = f"{MARK}={folder / 'beats'}".encode()
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and mark in _environ(entry).split(b"\0")
    ]


def last_beat(folder: Path) -> float:
    """When, in seconds since 1970, one of the tree lived."""
    beats = (folder / "beats").read_text("ascii").split()
    return max(map(float, beats), default=0.0)


def lives(folder: Path) -> bool:
    """Whether both sessions of a tree have begun."""
    file = folder / "beats"
    return file.exists() and len(members(folder)) >= 2 and time.time() - last_beat(folder) < 1


def _environ(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()  # nothing, of a zombie
    except OSError:  # it has ended, or is not ours
        return b""
