"""Judges a run from outside: what lies in the destinations' tables and in the hosts' journals.

It asks neither our catalog nor our broker, so what they believe cannot deceive it.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import psycopg

from tests.faults.pipeline import ROWS, Table

_COLUMNS = '"id", "run", "attempt", "nonce"'


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    id: int
    run: str
    attempt: str
    nonce: str


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One line of a journal; `moment` is seconds of the machine's monotonic clock."""

    moment: float
    word: str
    asset: str
    run: str
    attempt: str


@dataclass(slots=True)
class Verdict:
    """What is wrong, in words, and how many rows too many and too few there are."""

    faults: list[str] = field(default_factory=list)
    duplicates: int = 0
    losses: int = 0
    again: int = 0  # times that asset code was run once more

    def count(self, table: str, what: str, found: int, wanted: int) -> None:
        """Compare a number of rows with what must be."""
        if found != wanted:
            self.faults.append(f"{table}: {found} rows {what}, expected {wanted}")
            self.duplicates += max(0, found - wanted)
            self.losses += max(0, wanted - found)


def journal(files: Iterable[Path]) -> list[Line]:
    """All lines of all hosts, in order; a line that a kill cut short does not count."""
    texts = [file.read_text("utf-8") for file in files if file.exists()]
    parts = [line.split() for text in texts for line in text.splitlines(keepends=True)]
    return sorted(Line(float(one[0]), *one[1:]) for one in parts if len(one) == 5)


def rows(table: Table, url: str, folders: Sequence[Path]) -> list[Row]:
    """What the table holds: in PostgreSQL, or in the files of all hosts together."""
    if table.engine == "pg":
        return _postgres(table, url)
    return [row for folder in folders for row in _file(table, folder)]


def judge(
    assets: Iterable[Table],
    runs: Sequence[str],
    found: Mapping[str, Sequence[Row]],
    lines: Sequence[Line],
) -> Verdict:
    """Compare with what these runs, all succeeded, must have left."""
    verdict = Verdict()
    ended = {(one.asset, one.run, one.attempt) for one in lines if one.word == "end"}
    starts = Counter((one.asset, one.run) for one in lines if one.word == "start")
    for table in assets:
        if table.how != "script":
            _judge_table(verdict, table, runs, found[table.name])
        if table.journaled:
            _judge_journal(verdict, table, runs, found.get(table.name, ()), ended)
            verdict.again += sum(starts[table.name, run] - 1 for run in runs)
    return verdict


def _judge_table(verdict: Verdict, table: Table, runs: Sequence[str], held: Sequence[Row]) -> None:
    if table.kind == "append":
        for run in runs:
            _judge_part(verdict, table, f"of run {run}", [row for row in held if row.run == run])
    else:
        _judge_part(verdict, table, "in all", held)
    nonces = Counter(row.nonce for row in held)
    if twice := [nonce for nonce, times in nonces.items() if times > 1]:
        verdict.faults.append(f"{table.name}: {len(twice)} nonces more than once")
    if strange := {row.run for row in held} - set(runs):
        verdict.faults.append(f"{table.name}: rows of {sorted(strange)}")


def _judge_part(verdict: Verdict, table: Table, what: str, part: Sequence[Row]) -> None:
    verdict.count(table.name, what, len(part), ROWS)
    if part and sorted({row.id for row in part}) != list(range(ROWS)):
        verdict.faults.append(f"{table.name}: not every id is there {what}")
    if len(attempts := {row.attempt for row in part}) > 1:
        verdict.faults.append(f"{table.name}: rows of {len(attempts)} attempts {what}")


def _judge_journal(
    verdict: Verdict,
    table: Table,
    runs: Sequence[str],
    held: Sequence[Row],
    ended: set[tuple[str, str, str]],
) -> None:
    for run in runs:
        if not any(asset == table.name and tag == run for asset, tag, _ in ended):
            verdict.faults.append(f"{table.name}: no attempt of run {run} came to its end")
            verdict.losses += ROWS if table.how == "script" else 0
    if half := {row.attempt for row in held if (table.name, row.run, row.attempt) not in ended}:
        verdict.faults.append(f"{table.name}: rows of {len(half)} attempts that never ended")


def _postgres(table: Table, url: str) -> list[Row]:
    with psycopg.connect(url) as connection:
        try:
            return [Row(*row) for row in connection.execute(_select(table.name))]
        except psycopg.errors.UndefinedTable:
            return []


def _file(table: Table, folder: Path) -> list[Row]:
    path = folder / ("faults.duckdb" if table.engine == "duck" else "faults.sqlite")
    if not path.exists():
        return []
    if table.engine == "lite":
        return _sqlite(table, path)
    with duckdb.connect(str(path)) as connection:  # not read-only: it replays what a kill left
        try:
            return [Row(*row) for row in connection.execute(_select(table.name)).fetchall()]
        except duckdb.CatalogException:
            return []


def _sqlite(table: Table, path: Path) -> list[Row]:
    connection = sqlite3.connect(path)
    try:
        return [Row(*row) for row in connection.execute(_select(table.name))]
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise
    finally:
        connection.close()


def _select(name: str) -> str:
    return f"SELECT {_COLUMNS} FROM {name}"


def interrupted(lines: Sequence[Line], moment: float) -> list[Line]:
    """The starts before a moment whose attempt never came to its end."""
    ended = {(one.asset, one.run, one.attempt) for one in lines if one.word == "end"}
    starts = [one for one in lines if one.word == "start" and one.moment <= moment]
    return [one for one in starts if (one.asset, one.run, one.attempt) not in ended]


def busy(lines: Sequence[Line], assets: Iterable[Table], *, long: bool) -> bool:
    """Whether asset code runs where these lines were written, one that takes long if so asked."""
    names = {one.name for one in assets if one.long or not long}
    return any(line.asset in names for line in interrupted(lines, float("inf")))


def recovery(lines: Sequence[Line], moment: float) -> float | None:
    """Seconds from a fault until all assets that it broke off have been done again.

    0 where it broke off none, None where one was never done; only what has a journal counts.
    """
    ends = [_next_end(lines, broken, moment) for broken in interrupted(lines, moment)]
    if None in ends:
        return None
    return max((end for end in ends if end is not None), default=moment) - moment


def _next_end(lines: Sequence[Line], broken: Line, moment: float) -> float | None:
    same = (one for one in lines if (one.asset, one.run) == (broken.asset, broken.run))
    return next((one.moment for one in same if one.word == "end" and one.moment > moment), None)
