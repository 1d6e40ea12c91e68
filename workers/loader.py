"""The load step: the asset's Arrow file into its table, by ingestr. Called by workers.steps."""

import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from workers import (
    arrow_files,
    connections,
    duckdb_driver,
    engines,
    ingestr,
    load_flags,
    load_proof,
)
from workers.arrow_files import Data
from workers.connections import Connection
from workers.context import StepContext, StepResult
from workers.errors import StepFailed
from workers.ingestr import Job
from workers.load_flags import Load
from workers.load_proof import Proof, Started
from workers.masking import Masker
from workers.secret_values import secret_texts
from workers.sql.names import snake_case
from workers.uris import ingestr_uri

_FORMAT = "v1.0.0"  # of new DuckDB files: every DuckDB since 1.0 reads it
_BEGUN = ".loading"  # beside the Arrow file: a load that cannot be repeated has begun


def run(context: StepContext) -> StepResult:
    """Load what the materialize step left; nothing returned is nothing to do."""
    began = time.monotonic()
    connection = connections.of(context).get(context.spec.connection)
    secrets = secret_texts(connection)
    context.mask(secrets)
    recorded = context.previous.get("data")
    if not recorded:
        return _result(context, connection, Proof(rows=0, notices=("no data",)), began)
    data = arrow_files.verified(context.settings.storage_path, recorded)
    if not data.names and not data.rows:
        proof = Proof(rows=0, notices=("no data: the asset returned neither rows nor columns",))
    else:
        proof = _load(context, connection, data, Masker(secrets))
        proof = replace(proof, notices=(*proof.notices, *_rounded(data)))
    _forget(data.path)
    return _result(context, connection, proof, began)


def _rounded(data: Data) -> list[str]:
    """A notice about decimals in structs: ingestr makes floats of them in JSON."""
    if not data.inexact:
        return []
    names = ", ".join(data.inexact)
    return [f"decimals inside {names} became JSON numbers, which keep 15 digits: load them as text"]


def _load(context: StepContext, connection: Connection, data: Data, masker: Masker) -> Proof:
    table = context.spec.name
    before = None
    if load_flags.strategy_of(context.spec) == "merge" or _renames(data) or data.nothing:
        before = load_proof.shape_before(connection, table, context.stop)
    columns = before.columns if before else {}
    load = load_flags.build(context.spec, data, connection.type, columns)
    if missing := load_proof.missing_columns(data, load, before):
        raise _would_erase(table, missing)
    _prepare(connection)
    _once(context, load, data.path)
    started = Started.now()
    failed = True
    try:
        _ingest(context, connection, data, load, masker)
        failed = False
    finally:
        _tidy(context, connection, started, failed=failed)
    return load_proof.prove(connection, table, data, load, started, stop=context.stop)


def _renames(data: Data) -> bool:
    return any(snake_case(name) != name for name in data.names)


def _ingest(
    context: StepContext, connection: Connection, data: Data, load: Load, masker: Masker
) -> None:
    context.progress({"rows": 0, "total": data.rows, "note": "loading"})
    if connection.type in load_proof.ENGINES:  # while ingestr works, for the proof
        threading.Thread(target=engines.foresee, args=[connection], daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="fleet-names-") as folder:
        if load.names:
            data = arrow_files.renamed(data, load.names, Path(folder) / "data.arrow")
        ingestr.run(
            context.settings,
            _job(context, connection, data, load),
            cwd=context.project,
            log=context.log,
            stop=context.stop,
            masker=masker,
            progress=lambda heard: context.progress({**heard, "total": data.rows}),
        )


def _job(context: StepContext, connection: Connection, data: Data, load: Load) -> Job:
    spec, claim = context.spec, context.claim
    duckdb = connection.type == "duckdb"
    extra = duckdb_driver.find(context.settings).environment if duckdb else {}
    return Job(
        source=f"mmap://{data.path.absolute()}",
        destination=ingestr_uri(connection),
        table=spec.name,
        flags=load.flags,
        extra=extra,
        name=f"fleet {claim.run_id} {spec.name} {claim.number}",
        show=str(spec.parameters.get("show_ingestr_logs", "")).lower() == "true",
        timeout=spec.timeout,
    )


def _would_erase(table: str, missing: list[str]) -> StepFailed:
    names = ", ".join(missing)
    return StepFailed(
        "load",
        f"the data lacks columns that {table} has, and a merge would set them to NULL: {names}",
        hint="return these columns too (their values, or None on purpose), or drop them first",
    )


def _prepare(connection: Connection) -> None:
    """Make a database file's folder, and a DuckDB file in the format that all versions read."""
    file = connection.file
    if file is None or file.exists():
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if connection.type == "duckdb":
            _make_duckdb(file)
    except OSError as error:
        why = error.strerror or str(error)
        raise StepFailed("load", f"cannot make the database file {file}: {why}") from error


def _make_duckdb(file: Path) -> None:
    import duckdb  # noqa: PLC0415 - only for a new file

    try:
        duckdb.connect(str(file), config={"storage_compatibility_version": _FORMAT}).close()
    except duckdb.Error as error:
        raise StepFailed(
            "load", f"cannot make the database file {file}", detail=str(error)
        ) from error


def _once(context: StepContext, load: Load, path: Path) -> None:
    """Refuse to repeat a load that adds rows: it may have written some before it ended."""
    if load.repeatable:
        return
    mark, table = path.with_name(path.name + _BEGUN), context.spec.name
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        raise StepFailed(
            "load",
            f"a load with strategy {load.strategy} had begun and did not end: it is not repeated, "
            f"as rows could be in {table} twice",
            detail=f"attempt {context.claim.number}; the data is kept in {path}",
            hint=f"look at {table}, remove what came of this run, and run the asset again",
        ) from None


def _tidy(context: StepContext, connection: Connection, started: Started, *, failed: bool) -> None:
    try:
        load_proof.tidy(connection, context.spec.name, started, failed=failed)
    except Exception as error:  # the load's own outcome counts
        said = error.message if isinstance(error, StepFailed) else error
        context.log.line(f"could not remove what ingestr left behind: {said}")


def _forget(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_name(path.name + _BEGUN).unlink(missing_ok=True)


def _result(context: StepContext, connection: Connection, proof: Proof, began: float) -> StepResult:
    for notice in proof.notices:
        context.log.line(notice)
    result: Mapping[str, Any] = {
        "rows": proof.rows,
        "table": context.spec.name,
        "destination": connection.type,
        "seconds": round(time.monotonic() - began, 3),
        "notices": list(proof.notices),
    }
    return StepResult(result=result)
