"""The fleet's sessions in PostgreSQL: their names, their patience, and the end of a dead one's.

workers.engines prepares every session; steps name theirs and end those of earlier attempts, whose
host may be gone while the server still holds their locks. Pure text but for `end_earlier`.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from workers.errors import Locked

if TYPE_CHECKING:
    from catalog.claims import Claim

LONGEST = 63  # bytes that PostgreSQL keeps of a name
LOCK = 120  # seconds that a statement waits for a lock; then the step waits without a session
IDLE = 60  # seconds between two statements of a transaction: we need none, only the dead do
SILENT = 30  # seconds until a peer that answers nothing is asked whether it lives
GONE = 10.0  # seconds that an ended session may take to undo its work
BUSY = frozenset({"55P03", "40P01", "40001"})  # lock not available, deadlock, serialization
_LOOK = 0.1
_NUMBER = 6  # digits that are kept free for the attempt
_CHECKS_CLIENT = 14_00_00  # the first version that looks after its client during a query

#: How libpq notices that the server's host is gone.
ARGUMENTS = {
    "keepalives_idle": SILENT,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": SILENT * 2 * 1000,
}


def name(run_id: str, asset: str, number: int) -> str:
    """What the server shows for the session of an attempt, at most 63 bytes."""
    return f"{_prefix(run_id, asset)}{number}"


def of(claim: "Claim") -> str:
    """The name of a claimed attempt's session."""
    return name(claim.run_id, claim.asset, claim.number)


def settings(version: int) -> str:
    """The statement that gives a session its patience; what its role says already stays."""
    wanted = {
        "lock_timeout": f"{LOCK}s",
        "idle_in_transaction_session_timeout": f"{IDLE}s",
        "tcp_keepalives_idle": str(SILENT),
        "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "3",
    }
    if version >= _CHECKS_CLIENT:
        wanted["client_connection_check_interval"] = "10s"
    return "SELECT " + ", ".join(_set(key, value) for key, value in wanted.items())


def _set(key: str, value: str) -> str:
    known = f"current_setting('{key}')"
    keeps = "" if key.startswith("tcp_") else f"CASE WHEN {known} <> '0' THEN {known} ELSE "
    return f"set_config('{key}', {keeps}'{value}'{' END' if keeps else ''}, false)"


def earlier(claim: "Claim", *, end: bool) -> str:
    """The query that shows the sessions of earlier attempts of a claim's asset, and ends them.

    Those of the session's own user only.
    """
    prefix = _literal(_prefix(claim.run_id, claim.asset))
    ended = "pg_terminate_backend(pid)" if end else "false"
    return (
        f"SELECT pid, application_name, {ended} FROM pg_stat_activity "  # noqa: S608 - quoted
        "WHERE usename = current_user AND pid <> pg_backend_pid() "
        f"AND left(application_name, length({prefix})) = {prefix} "
        f"AND substr(application_name, length({prefix}) + 1) ~ '^[0-9]{{1,9}}$' "
        f"AND substr(application_name, length({prefix}) + 1)::int < {int(claim.number)}"
    )


def end_earlier(ask: Callable[[str], Sequence[Sequence[Any]]], claim: "Claim") -> list[str]:
    """End the sessions of earlier attempts; their names. Locked if one does not go.

    `ask` runs a query in a transaction of its own and gives its rows.
    """
    if claim.number < 2:
        return []
    found = ask(earlier(claim, end=True))
    deadline = time.monotonic() + GONE
    left = found
    while left:
        left = ask(earlier(claim, end=False))
        if left and time.monotonic() > deadline:
            pid, who = left[0][:2]
            said = f"the session of an earlier attempt is still in the database ({who}, PID {pid})"
            raise Locked(said)
        if left:
            time.sleep(_LOOK)
    return [str(row[1]) for row in found]


def holders(relation: str) -> str:
    """The query that names the sessions which hold a lock on a relation, given quoted."""
    return (
        "SELECT DISTINCT coalesce(nullif(a.application_name, ''), 'a program of ' || a.usename), "  # noqa: S608
        "a.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.granted AND l.pid <> pg_backend_pid() AND l.locktype = 'relation' "
        "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        f"AND l.relation = to_regclass({_literal(relation)}) LIMIT 3"
    )


def _prefix(run_id: str, asset: str) -> str:
    room = LONGEST - _NUMBER - len(f"fleet {run_id}//")
    return f"fleet {run_id}/{_short(asset, room)}/"


def _short(asset: str, room: int) -> str:
    """The asset as the server keeps it: printable ASCII; one that was changed bears a digest."""
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in asset)
    if plain == asset and len(plain) <= room:
        return plain
    digest = hashlib.sha256(asset.encode()).hexdigest()[:8]
    return f"{plain[: room - 9]}~{digest}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
