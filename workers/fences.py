"""The fence and the record of loads, in the destination itself: SQL text, run over an open link.

For the last transaction of loads (workers.moving) and of SQL assets (workers.query_step) on
PostgreSQL, DuckDB and SQLite. One table `_bruin_fleet_loads` beside the target has for each asset
of a catalog one row with the greatest claim token that was there (`run` is empty), and one row for
each run whose rows are in: so that whoever comes late is refused, and whoever comes again adds
nothing. It is true at any moment, as it is
written in the transaction that it guards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from workers.sql import dialects
from workers.sql.dialects import Dialect

TABLE = "_bruin_fleet_loads"
ENGINES = frozenset({"postgres", "duckdb", "sqlite"})  # connection types that have fences
KEPT_DAYS = 400  # how long it is known that a run's rows are in; longer than any retry

_COLUMNS = "catalog, asset, run, fence, attempt, held_by, row_count, target, done_at"

Ask = Callable[[str], Sequence[Sequence[Any]]]
"""Runs one statement in the transaction that is open; its rows, none for one that gives none."""


class Overtaken(Exception):
    """A later claim of the asset was here first; the text says whose.

    `same_run`: it is the successor of this very attempt, which must change nothing any more. Else
    another run's: this step must be claimed anew before it may write.
    """

    def __init__(self, message: str, *, same_run: bool) -> None:
        self.same_run = same_run
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What the record says of a run whose rows are in the table."""

    run: str
    attempt: int
    rows: int
    target: str  # what the table was known by


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """Whose effect it is, and where the bookkeeping lies: `schema` are the parts before the table.

    `token` is the claim's, `attempt` its number; `earlier` are the runs that this one continues.
    """

    engine: str  # the connection's type, one of ENGINES
    schema: tuple[str, ...]
    catalog: str
    asset: str
    run: str
    attempt: int
    token: int
    earlier: tuple[str, ...] = ()

    @property
    def dialect(self) -> Dialect:
        """How the engine writes names and texts."""
        return dialects.of(self.engine)

    @property
    def table(self) -> str:
        """The bookkeeping table, quoted."""
        return self.dialect.table((*self.schema, TABLE))


def create(ask: Ask, fence: Fence) -> None:
    """Make the bookkeeping table where it is missing, in a transaction that writes nothing else.

    The database's own error where this user may not.
    """
    if fence.engine == "postgres":  # two at once would both find it missing
        ask("SELECT pg_advisory_xact_lock(hashtext('_bruin_fleet_loads'))")
    ask(
        f"CREATE TABLE IF NOT EXISTS {fence.table} (catalog VARCHAR(64) NOT NULL, "
        "asset TEXT NOT NULL, run VARCHAR(64) NOT NULL, fence BIGINT NOT NULL, "
        "attempt INTEGER NOT NULL, held_by VARCHAR(64) NOT NULL, row_count BIGINT NOT NULL, "
        "target TEXT NOT NULL, done_at VARCHAR(32) NOT NULL, PRIMARY KEY (catalog, asset, run))"
    )


def raise_fence(ask: Ask, fence: Fence) -> None:
    """Let nobody pass who was claimed earlier; Overtaken if somebody was claimed later.

    Holds the row until the transaction ends: of two that would commit, one waits for the other. The
    first statement of the last transaction, and of a short one of its own before a successor's
    work.
    """
    ask(
        f"INSERT INTO {fence.table} AS held ({_COLUMNS}) VALUES ({_values(fence, run='')}) "  # noqa: S608
        "ON CONFLICT (catalog, asset, run) DO UPDATE SET fence = excluded.fence, "
        "attempt = excluded.attempt, held_by = excluded.held_by, done_at = excluded.done_at "
        "WHERE held.fence < excluded.fence"
    )
    rows = ask(
        f"SELECT fence, held_by, attempt FROM {fence.table} WHERE {_mine(fence, [''])}"  # noqa: S608
    )
    if int(rows[0][0]) > fence.token:
        raise _overtaken(fence, run=str(rows[0][1]), attempt=int(rows[0][2]))


check = raise_fence
"""In the last transaction, before anything is written there."""


def loaded(ask: Ask, fence: Fence) -> Loaded | None:
    """What is known of this run's rows, or of a run's that it continues; the newest of them."""
    rows = ask(
        f"SELECT run, attempt, row_count, target FROM {fence.table} "  # noqa: S608
        f"WHERE {_mine(fence, [fence.run, *fence.earlier])} ORDER BY fence DESC LIMIT 1"
    )
    for run, attempt, count, target in rows:
        return Loaded(run=str(run), attempt=int(attempt), rows=int(count), target=str(target))
    return None


def record(ask: Ask, fence: Fence, rows: int, target: str) -> None:
    """Say that this run's rows are in `target`, whatever identifies it; the last statement."""
    old = _text(datetime.now(UTC) - timedelta(days=KEPT_DAYS))
    mine = f"{_mine(fence, [fence.run])} OR ({_mine(fence, [])} AND done_at < {_quoted(old)})"
    ask(f"DELETE FROM {fence.table} WHERE {mine}")  # noqa: S608
    values = _values(fence, run=fence.run, rows=rows, target=target)
    ask(f"INSERT INTO {fence.table} ({_COLUMNS}) VALUES ({values})")  # noqa: S608


def identity(ask: Ask, fence: Fence, table: str) -> str:
    """What tells a table from one of the same name that is made later; empty where nothing does.

    PostgreSQL knows its tables by number; a file's engine does not.
    """
    if fence.engine != "postgres":
        return ""
    name = fence.dialect.literal(fence.dialect.table((*fence.schema, table)))
    found = ask(f"SELECT to_regclass({name})::oid")
    return f"oid {found[0][0]}" if found and found[0][0] is not None else ""


def _mine(fence: Fence, runs: Sequence[str]) -> str:
    """The condition that picks the asset's rows of these runs, of all where there are none."""
    mine = f"catalog = {_quoted(fence.catalog)} AND asset = {_quoted(fence.asset)}"
    return f"{mine} AND run IN ({', '.join(map(_quoted, runs))})" if runs else mine


def _values(fence: Fence, *, run: str, rows: int = 0, target: str = "") -> str:
    texts = [*map(_quoted, (fence.catalog, fence.asset, run)), str(fence.token), str(fence.attempt)]
    texts += [_quoted(fence.run), str(rows), _quoted(target), _quoted(_text(datetime.now(UTC)))]
    return ", ".join(texts)


def _quoted(text: str) -> str:
    """A literal of the three engines: none of them reads backslashes in it."""
    return "'" + text.replace("'", "''").replace("\x00", "\ufffd") + "'"


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def _overtaken(fence: Fence, *, run: str, attempt: int) -> Overtaken:
    who = f"attempt {attempt}" if run == fence.run else f"run {run}"
    words = f"{who} of {fence.asset} was claimed later and has been at the table already"
    return Overtaken(words, same_run=run == fence.run)
