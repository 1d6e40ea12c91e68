"""One way to run an ingestr load. Used by workers.loader, workers.seed_step, workers.ingest_step.

Into PostgreSQL, DuckDB and SQLite by way of workers.load_staging, so that rows come once; elsewhere
straight into the target. Then what came of it is proven, and what ingestr leaves is removed.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from workers import (
    duckdb_driver,
    duckdb_files,
    engines,
    fences,
    file_homes,
    ingestr,
    load_commit,
    load_leftovers,
    load_proof,
    load_staging,
    sessions,
)
from workers.connections import Connection
from workers.context import StepContext, StepResult
from workers.errors import StepFailed
from workers.ingestr import Job, Report
from workers.load_commit import TargetChanged
from workers.load_flags import Load
from workers.load_proof import Given, Proof, Started
from workers.load_staging import Stage, Staging
from workers.load_tables import NoRecords
from workers.masking import Masker
from workers.uris import ingestr_uri

_TRIES = 5  # times that a target may change while a load is staged for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one load reads and where it goes. `rows` is how many will come, None if unknown.

    `plain`: the columns' names are as ingestr makes them. `reads`: it reads a connection.
    """

    source: str = field(repr=False)
    table: str
    load: Load
    source_table: str = "asset_data"
    rows: int | None = None
    plain: bool = False
    reads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a load. `columns` are those of the target, None where nobody looked."""

    proof: Proof
    columns: Mapping[str, str] | None = None


Judge: TypeAlias = Callable[[Report], tuple[Given, Load]]
"""From what ingestr said: what it was given, and which load it did."""


@dataclass(frozen=True, slots=True)
class Loading:
    """One load, to be proven by what `judge` says of it."""

    context: StepContext
    connection: Connection
    work: Work
    masker: Masker
    judge: Judge

    def run(self) -> Outcome:
        """Load; StepFailed if that failed, or if rows or values are missing.

        Where the engine can, the rows come in one transaction that is made once, whoever comes
        again; NotYet if the load of another run was faster.
        """
        prepare(self.connection)
        if not _keeps_records(self.connection):
            return self._directly(f"{self.connection.type} keeps no record of loads")
        staging = Staging(
            context=self.context,
            connection=self.connection,
            table=self.work.table,
            plain=self.work.plain,
        )
        for _ in range(_TRIES):
            try:
                stage = staging.prepare(self.work.load)
            except NoRecords as error:
                return self._directly(str(error))
            if stage.loaded:
                return Outcome(proof=load_commit.already(stage.loaded))
            with contextlib.suppress(TargetChanged):
                return self._staged(staging, stage)
            self.context.log.line(f"{self.work.table} has changed: the load begins again")
        message = f"{self.work.table} changes all the time: no load could be made for it"
        raise StepFailed("load", message)

    def _staged(self, staging: Staging, stage: Stage) -> Outcome:
        load = self.work.load
        remade = stage.copied and load_staging.remade(self.connection.type, load)
        flags = load.staged(copied=stage.copied, remade=remade, reads=self.work.reads)
        with self._tidied(staging.name, staging.forget):
            report = self._run(staging.name, flags)
            given, load = self.judge(report)
            proof, columns = staging.move(stage, load, given)
        return Outcome(proof=proof, columns=columns)

    def _directly(self, why: str) -> Outcome:
        """Straight into the target: at least once."""
        context, table, started = self.context, self.work.table, Started.now()
        with self._tidied(table):
            report = self._run(table, self.work.load.flags)
        given, load = self.judge(report)
        proof = load_proof.prove(self.connection, table, given, load, started, stop=context.stop)
        if load.strategy == "append":
            words = f"at least once: if its worker dies, rows may be in {table} twice ({why})"
            proof = replace(proof, notices=(*proof.notices, words))
        return Outcome(proof=proof)

    def _run(self, table: str, flags: tuple[str, ...]) -> Report:
        context, connection, work = self.context, self.connection, self.work
        total = {} if work.rows is None else {"total": work.rows}
        context.progress({"rows": 0, **total, "note": "loading"})
        if connection.type in load_proof.ENGINES:  # while ingestr works, for what comes after
            threading.Thread(target=engines.foresee, args=[connection], daemon=True).start()
        aside = replace(work, table=table, load=replace(work.load, flags=flags))
        return ingestr.run(
            context.settings,
            job(context, aside, ingestr_uri(connection)),
            cwd=context.project,
            log=context.log,
            stop=context.stop,
            masker=self.masker,
            progress=lambda heard: context.progress({**heard, **total}),
        )

    @contextlib.contextmanager
    def _tidied(self, table: str, forget: Callable[[], None] | None = None) -> Iterator[None]:
        """Remove what ingestr leaves of a load into `table`; `forget` it after a failure."""
        started, connection = Started.now(), self.connection
        failed = True
        try:
            yield
            failed = False
        finally:
            self._try(lambda: load_leftovers.tidy(connection, table, started, failed=failed))
            if failed and forget:
                self._try(forget)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # the load's own outcome counts
            said = error.message if isinstance(error, StepFailed) else error
            self.context.log.line(f"could not remove what ingestr left behind: {said}")


def _keeps_records(connection: Connection) -> bool:
    """Whether what we write there can say what is in it: a DuckDB elsewhere, or one in memory,
    cannot, nor can one that we must not write."""
    reached = connection.type == "postgres" or connection.file is not None
    known = connection.type in fences.ENGINES and reached
    return known and connection.text("read_only") != "true"


def result(
    context: StepContext, connection: Connection, table: str, proof: Proof, began: float
) -> StepResult:
    """The step's result; its notices go to the log too."""
    shared = file_homes.notice(context.engine, context.settings, connection)
    notices = [*proof.notices, *filter(None, [shared])]
    for notice in notices:
        context.log.line(notice)
    made: Mapping[str, Any] = {
        "rows": proof.rows,
        "table": table,
        "destination": connection.type,
        "seconds": round(time.monotonic() - began, 3),
        "notices": notices,
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
        name=sessions.of(claim),
        show=str(spec.parameters.get("show_ingestr_logs", "")).lower() == "true",
        timeout=spec.timeout,
    )
