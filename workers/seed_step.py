"""The seed step: a file of the project, or one on the web, into its table. Called by workers.steps.

ingestr reads the file, as it does for Bruin; what it would lose in silence is found out before.
"""

import importlib
import os
import re
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow

from workers import (
    connections,
    downloads,
    file_formats,
    file_scan,
    kept_types,
    load_proof,
    loading,
    seed_copies,
    seed_facts,
    source_flags,
)
from workers.connections import Connection
from workers.context import StepContext, StepResult
from workers.engines import Shape
from workers.errors import StepFailed
from workers.load_flags import LISTS_STAY, REPLACE, Load
from workers.load_proof import Proof
from workers.loading import Loading, Work
from workers.masking import Masker
from workers.secret_values import secret_texts
from workers.seed_facts import Read, Seed
from workers.sql.names import snake_case

pa: Any = pyarrow  # it brings no types of its own

_SCHEMAS = frozenset({"postgres", "redshift", "snowflake"})  # where a bare name gets one
_HARMLESS = re.compile(r"[\w./@+=,:-]+")  # ingestr reads patterns and options out of other paths


def run(context: StepContext) -> StepResult:
    """Load the file; StepFailed if a row or a value would be lost."""
    began = time.monotonic()
    connection = connections.of(context).get(context.spec.connection)
    secrets = secret_texts(connection)
    context.mask(secrets)
    table = table_of(context.spec.name, connection)
    with tempfile.TemporaryDirectory(prefix="fleet-seed-") as folder:
        before = load_proof.shape_before(connection, table, context.stop)
        ready = _ready(context, connection, before, Path(folder))
        load, given = ready.load, ready.given
        if ready.idle:
            proof = Proof(rows=0, notices=("the file has no rows: the table stays as it is",))
            return loading.result(context, connection, table, proof, began)
        work = Work(source=ready.seed.uri, source_table="seed.raw", table=table, load=load)
        if before:
            kept_types.sized(connection, before, kept_types.with_fractions(load.hints, before))
        judge: loading.Judge = lambda report: (given.of(report.rows), load)  # noqa: E731
        proof = Loading(context, connection, work, Masker(secrets), judge).run().proof
    return loading.result(context, connection, table, given.told(proof), began)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A file that ingestr reads as it was meant. `idle`: there is nothing to load."""

    seed: Seed
    load: Load
    given: Read
    idle: bool = False


def _ready(context: StepContext, connection: Connection, had: Shape | None, folder: Path) -> _Ready:
    spec, seed = context.spec, _seed(context, folder)
    load = source_flags.of_seed(spec)
    if seed.format in seed_copies.RENAMES and any(hint.source for hint in load.hints):
        seed = seed_copies.with_names(seed, load.hints, folder)
        spec = replace(spec, columns=tuple(replace(c, source_column="") for c in spec.columns))
        load = source_flags.of_seed(spec)
    notices: tuple[str, ...] = ()
    if seed.format == "parquet":
        seed, notices = seed_copies.to_microseconds(seed, folder)
    hints = [hint for hint in load.hints if hint.converts]
    scanned = file_scan.scan(seed.path, seed.format, hints)
    given = seed_facts.checked(context, seed, load, scanned, folder)
    given = replace(given, notices=(*notices, *given.notices))
    if scanned and not scanned.rows and seed.format in seed_copies.RENAMES:
        idle = load.strategy != REPLACE and (had is not None or not load_proof.provable(connection))
        seed = seed if idle else seed_copies.of_no_rows(seed, scanned.header, load.hints, folder)
        kept = kept_types.as_before(had) if had else ()
        load = source_flags.of_seed(spec, kept=kept)
        return _Ready(seed=seed, load=load, given=given, idle=idle)
    if given.lists and connection.type not in LISTS_STAY:
        load = source_flags.of_seed(spec, given.lists)
        seed = _renamed(seed, folder)
    return _Ready(seed=seed, load=load, given=given)


def table_of(name: str, connection: Connection) -> str:
    """The table's name; one without a schema gets that of the connection, where it has one."""
    schema = connection.text("schema")
    if "." in name or not schema or connection.type not in _SCHEMAS:
        return name
    return f"{schema}.{name}"


def _seed(context: StepContext, folder: Path) -> Seed:
    written = str(context.spec.parameters.get("path") or "").strip()
    if not written:
        raise StepFailed("config", "the seed has no parameters.path", hint="name its file there")
    kind = file_formats.of(written, str(context.spec.parameters.get("file_type") or ""))
    if downloads.is_address(written):
        path = folder / f"seed.{kind}"
        context.log.line(f"fetching {downloads.shown(written)}")
        most, timeout = context.settings.seed_max_bytes, context.spec.timeout
        downloads.fetch(written, path, most=most, timeout=timeout, stop=context.stop)
    else:
        path = _local(context, written, folder, kind)
    return Seed(
        path=path, format=kind, written=downloads.shown(written) if ":" in written else written
    )


def _local(context: StepContext, written: str, folder: Path, kind: str) -> Path:
    """The file's absolute path, under another name if ingestr would misread its own."""
    beside = context.project / context.spec.path
    path = Path(os.path.abspath(beside.parent / written.lstrip("/")))  # noqa: PTH100 - links stay
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise StepFailed(
            "load",
            f"the seed's file {written} {what}",
            detail=str(path),
            hint=f"its path is relative to {context.spec.path}",
        )
    if _HARMLESS.fullmatch(str(path)):
        return path
    link = folder / f"seed.{kind}"
    link.symlink_to(path)
    return link


def _renamed(seed: Seed, folder: Path) -> Seed:
    """A copy with the names that the table gets: ingestr loses hinted lists that it must rename."""
    if seed.format != "parquet":
        return seed
    parquet: Any = importlib.import_module("pyarrow.parquet")
    path = folder / "renamed.parquet"
    with parquet.ParquetFile(seed.path) as file:
        fields = [field.with_name(snake_case(field.name)) for field in file.schema_arrow]
        schema = pa.schema(fields)
        with parquet.ParquetWriter(path, schema) as writer:
            for batch in file.iter_batches():
                writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
    return replace(seed, path=path)
