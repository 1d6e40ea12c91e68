"""The seed step: a file of the project, or one on the web, into its table. Called by workers.steps.

ingestr reads the file, as it does for Bruin; what it would lose in silence is found out before.
"""

import importlib
import os
import re
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow

from workers import (
    connections,
    downloads,
    file_formats,
    kept_types,
    load_proof,
    loading,
    seed_facts,
    source_flags,
)
from workers.connections import Connection
from workers.context import StepContext, StepResult
from workers.errors import StepFailed
from workers.load_flags import LISTS_STAY
from workers.loading import Work
from workers.masking import Masker
from workers.secret_values import secret_texts
from workers.seed_facts import Seed
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
    load = source_flags.of_seed(context.spec)
    with tempfile.TemporaryDirectory(prefix="fleet-seed-") as folder:
        seed = _seed(context, Path(folder))
        given = seed_facts.checked(context, seed, load, Path(folder))
        if given.lists and connection.type not in LISTS_STAY:
            load = source_flags.of_seed(context.spec, given.lists)
            seed = _renamed(seed, Path(folder))
        work = Work(
            source=seed.uri,
            source_table="seed.raw",
            table=table,
            load=load,
            mark=loading.mark_of(context),
        )
        if before := load_proof.shape_before(connection, table, context.stop):
            kept_types.sized(connection, before, kept_types.with_fractions(load.hints, before))
        report, started = loading.carry(context, connection, work, Masker(secrets))
    given = given.of(report.rows)
    proof = load_proof.prove(connection, table, given, load, started, stop=context.stop)
    loading.mark_of(context).unlink(missing_ok=True)
    return loading.result(context, connection, table, given.told(proof), began)


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
