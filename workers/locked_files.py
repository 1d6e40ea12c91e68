"""Locks on open files: they end with their process, whatever ends it. For bundles and copies."""

import fcntl


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Whether this process has the file alone now, or `shared` with others who want no more."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
