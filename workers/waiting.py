"""What "locked" means: somebody else holds what a step needs, so it waits, and does not fail.

workers.engines and workers.sql_session say `locked`, workers.attempt makes it a wait by `later`.
"""

import re

from sqlalchemy.exc import DBAPIError

from workers import sessions
from workers.connections import Connection
from workers.errors import Locked, NotYet, StepFailed

MOST = 600.0  # seconds from the first claim on that a step waits for what is locked
_SHORTEST, _LONGEST = 0.5, 10.0  # seconds between two tries
_IN_USE = re.compile(r"could not set lock|database (table )?is locked", re.IGNORECASE)
_HOLDER = re.compile(r"lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")


def in_use(said: str) -> bool:
    """Whether DuckDB or SQLite says that another program has the file open."""
    return _IN_USE.search(said) is not None


def holder(said: str) -> str:
    """The program that has the file open, as far as DuckDB names it."""
    found = _HOLDER.search(said)
    return f"{found['program']}, PID {found['pid']}" if found else "another program"


def is_busy(error: BaseException) -> bool:
    """Whether PostgreSQL gave up because of another session: nothing of the transaction is done."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return getattr(origin, "sqlstate", None) in sessions.BUSY


def locked(connection: Connection, said: str, holders: str = "") -> Locked:
    """The connection's database is held by somebody else, in the database's own words `said`."""
    file = connection.file
    if file is not None:
        hint = "another program has the file open; end it, or wait and run again"
        return Locked(f"{file.name} is open elsewhere ({holder(said)})", detail=said, hint=hint)
    whose = f" ({holders})" if holders else ""
    message = f"another session holds a lock in connection {connection.name!r}{whose}"
    return Locked(message, detail=said, hint="end that session, or run again later")


def later(locked: Locked, waited: float) -> NotYet | StepFailed:
    """When the step is tried again; the failure if it has waited `waited` seconds, which is enough.

    Those count from the first claim of this try.
    """
    if waited >= MOST:
        message = f"{locked.message}, for {waited / 60:.0f} minutes now"
        return StepFailed("connection", message, detail=locked.detail, hint=locked.hint)
    delay = min(_LONGEST, _SHORTEST + waited / 10)
    return NotYet(f"waits: {locked.message}; it tries again in {delay:.2g} s", delay)
