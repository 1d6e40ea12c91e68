"""One way to run an ingestr load. Used by workers.loader, workers.seed_step, workers.ingest_step.

Before: the database file is made, a load that must not be repeated leaves its mark. After: what
ingestr leaves behind is removed. What came of it is for workers.load_proof to find out.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from workers import (
    duckdb_driver,
    duckdb_files,
    engines,
    ingestr,
    load_leftovers,
    load_proof,
    storage,
    stores,
)
from workers.connections import Connection
from workers.context import StepContext, StepResult
from workers.errors import StepFailed
from workers.ingestr import Job, Report
from workers.load_flags import DELETE_INSERT, Load
from workers.load_proof import Proof, Started
from workers.masking import Masker
from workers.uris import ingestr_uri

_BEGUN = ".loading"  # the end of a mark's name: a load that cannot be repeated has begun


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one load reads and where it goes. `rows` is how many will come, None if unknown."""

    source: str = field(repr=False)
    table: str
    load: Load
    source_table: str = "asset_data"
    rows: int | None = None
    mark: str = ""  # name in storage, of a load that must not be repeated; empty where it may be


def carry(
    context: StepContext, connection: Connection, work: Work, masker: Masker
) -> tuple[Report, Started]:
    """Load, and return what ingestr said and when it began; StepFailed if it failed."""
    prepare(connection)
    work = _by_key(connection, work)
    if work.mark and not work.load.repeatable:
        _once(context, work)
    started = Started.now()
    failed = True
    try:
        report = _run(context, connection, work, masker)
        failed = False
    except StepFailed as error:  # one that was killed may still be committing
        if work.mark and error.kind == "load":
            _unmark(context, connection, work, started)
        raise
    finally:
        _tidy(context, connection, work.table, started, failed=failed)
    return report, started


def _unmark(context: StepContext, connection: Connection, work: Work, started: Started) -> None:
    """A load that ended by itself and wrote no row may be made again."""
    if load_proof.wrote_nothing(connection, work.table, started):
        forget(context, work.mark)


def _by_key(connection: Connection, work: Work) -> Work:
    """delete+insert into a SQLite table that has a primary key, as a merge.

    ingestr compares moments as texts there and deletes too little, so the key would stand against
    the new rows. What a merge leaves of the interval is deleted by workers.load_proof.
    """
    load, file = work.load, connection.file
    if connection.type != "sqlite" or load.strategy != DELETE_INSERT or not load.interval:
        return work
    if file is None or not file.exists():
        return work
    with engines.opened(connection) as database:
        shape = database.shape(work.table)
        if shape is None:
            return work
        schema, table = map(database.dialect.identifier, shape.parts)
        columns, _ = database.rows(f"PRAGMA {schema}.table_info({table})", limit=100_000)
    if not any(column[5] for column in columns):
        return work
    flags = tuple("merge" if flag == DELETE_INSERT else flag for flag in load.flags)
    return replace(work, load=replace(load, flags=flags))


def mark_beside(name: str) -> str:
    """The mark of a load whose data has this name in storage."""
    return name + _BEGUN


def mark_of(context: StepContext) -> str:
    """The mark of a load that has no data of its own on storage."""
    return mark_beside(storage.data_name(context.claim.run_id, context.spec.name, 0))


def forget(context: StepContext, mark: str) -> None:
    """The load that left this mark is over."""
    stores.of(context.settings).delete(mark)


def result(
    context: StepContext, connection: Connection, table: str, proof: Proof, began: float
) -> StepResult:
    """The step's result; its notices go to the log too."""
    for notice in proof.notices:
        context.log.line(notice)
    made: Mapping[str, Any] = {
        "rows": proof.rows,
        "table": table,
        "destination": connection.type,
        "seconds": round(time.monotonic() - began, 3),
        "notices": list(proof.notices),
    }
    return StepResult(result=made)


def prepare(connection: Connection) -> None:
    """Make a database file's folder, and a DuckDB file in the format that all versions read."""
    file = connection.file
    if file is None or file.exists():
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if connection.type == "duckdb":
            duckdb_files.make(file)
    except OSError as error:
        why = error.strerror or str(error)
        raise StepFailed("load", f"cannot make the database file {file}: {why}") from error


def _once(context: StepContext, work: Work) -> None:
    """Refuse to repeat a load that adds rows: it may have written some before it ended."""
    if not stores.of(context.settings).create(work.mark):
        raise StepFailed(
            "load",
            f"a load with strategy {work.load.strategy} had begun and did not end: it is not "
            f"repeated, as rows could be in {work.table} twice",
            detail=f"attempt {context.claim.number}; the mark of the first is {work.mark}",
            hint=f"look at {work.table}, remove what came of this run, and run the asset again",
        )


def _run(context: StepContext, connection: Connection, work: Work, masker: Masker) -> Report:
    total = {} if work.rows is None else {"total": work.rows}
    context.progress({"rows": 0, **total, "note": "loading"})
    if connection.type in load_proof.ENGINES:  # while ingestr works, for the proof
        threading.Thread(target=engines.foresee, args=[connection], daemon=True).start()
    return ingestr.run(
        context.settings,
        job(context, work, ingestr_uri(connection)),
        cwd=context.project,
        log=context.log,
        stop=context.stop,
        masker=masker,
        progress=lambda heard: context.progress({**heard, **total}),
    )


def job(context: StepContext, work: Work, destination: str) -> Job:
    """The program call of a load into `destination`."""
    spec, claim = context.spec, context.claim
    duckdb = any(uri.startswith("duckdb:") for uri in (work.source, destination))
    return Job(
        source=work.source,
        source_table=work.source_table,
        destination=destination,
        table=work.table,
        flags=work.load.flags,
        extra=duckdb_driver.find(context.settings).environment if duckdb else {},
        name=f"fleet {claim.run_id} {spec.name} {claim.number}",
        show=str(spec.parameters.get("show_ingestr_logs", "")).lower() == "true",
        timeout=spec.timeout,
    )


def _tidy(
    context: StepContext, connection: Connection, table: str, started: Started, *, failed: bool
) -> None:
    try:
        load_leftovers.tidy(connection, table, started, failed=failed)
    except Exception as error:  # the load's own outcome counts
        said = error.message if isinstance(error, StepFailed) else error
        context.log.line(f"could not remove what ingestr left behind: {said}")
