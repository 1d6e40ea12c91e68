"""Processes whose guardian was killed come to the pool process that had started it, and end there.

workers.consumer lets pool processes take them in, workers.supervisor ends them.
"""

import contextlib
import ctypes
import os
import signal
import sys

import psutil

_PR_SET_CHILD_SUBREAPER = 36


def take_in() -> None:
    """From now on, what loses its parent below this process becomes its child (on Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_those_since(moment: float) -> None:
    """Kill the children that began after `moment`, in seconds since 1970, and all that they leave.

    What a child leaves comes here too, one generation at a time.
    """
    while found := [p.pid for p in psutil.Process().children() if p.create_time() >= moment]:
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
