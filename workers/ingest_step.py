"""The ingest step: a table of one connection into another, by ingestr. Called by workers.steps."""

import tempfile
import time
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from assets_parser.spec import AssetSpec
from workers import (
    connections,
    downloads,
    file_formats,
    loading,
    source_flags,
    source_shape,
    source_uris,
)
from workers.connections import Connection
from workers.context import StepContext, StepResult
from workers.errors import StepFailed
from workers.ingestr import Report
from workers.load_flags import REPLACE, Load, true
from workers.loading import Loading, Work
from workers.masking import Masker
from workers.secret_values import secret_texts
from workers.seed_facts import Read

# Sources that leave it to ingestr what becomes of the table: it replaces it.
_PLAIN = frozenset({"postgres", "mysql", "mssql", "duckdb", "sqlite", "http"})
_ENDLESS = ("stream", "cdc", "cdc_mode")


def run(context: StepContext) -> StepResult:
    """Copy the table; StepFailed if rows would be lost."""
    began = time.monotonic()
    spec = context.spec
    _refuse_endless(spec)
    known = connections.of(context)
    connection = known.get(spec.connection)
    source = known.get(_needed(spec, "source_connection"))
    table = _needed(spec, "source_table")
    secrets = [*secret_texts(connection), *secret_texts(source)]
    context.mask(secrets)
    with tempfile.TemporaryDirectory(prefix="fleet-source-") as folder:
        uri = _address(context, source, table, Path(folder))
        context.mask([uri])
        reading = source_shape.look(source, table, spec, connection, context.stop)
        load = source_flags.of_source(spec, reading)
        masker = Masker([*secrets, uri])
        if not load.strategy and source.type in _PLAIN:
            load = replace(load, strategy=REPLACE)
        work = Work(source=uri, source_table=table, table=spec.name, load=load, reads=True)
        judge: loading.Judge = lambda said: (Read(rows=said.rows), _as_done(load, said))  # noqa: E731
        proof = Loading(context, connection, work, masker, judge).run().proof
    told = Read(notices=(*reading.notices, *_notices(context))).told(proof)
    return loading.result(context, connection, spec.name, told, began)


def _address(context: StepContext, source: Connection, table: str, folder: Path) -> str:
    """Where ingestr reads; a file of the web is fetched first, as ingestr hides a failure."""
    if source.type != "http":
        return source_uris.source_uri(source, str(context.spec.parameters.get("source") or ""))
    url = source.text("url").strip()
    if not downloads.is_address(url):
        raise StepFailed("config", f"connection {source.name!r}: url must begin with http(s)://")
    kind = file_formats.of(url, table.partition("#")[2].partition(",")[0])
    path = folder / f"source.{kind}"
    most, timeout = context.settings.seed_max_bytes, context.spec.timeout
    downloads.fetch(url, path, most=most, timeout=timeout, stop=context.stop)
    return f"{kind}://{path}"


def _needed(spec: AssetSpec, parameter: str) -> str:
    value = str(spec.parameters.get(parameter) or "").strip()
    if not value:
        raise StepFailed("config", f"the asset has no parameters.{parameter}")
    return value


def _refuse_endless(spec: AssetSpec) -> None:
    for name in _ENDLESS:
        value = spec.parameters.get(name)
        if value not in (None, "") and (true(value) or name == "cdc_mode"):
            raise StepFailed(
                "config",
                f"parameters.{name} asks for a stream of changes, which fleet does not run: a step "
                "has an end",
                hint="load the table with merge or delete+insert, or stream with `bruin run`",
            )


def _notices(context: StepContext) -> list[str]:
    """Another version of ingestr than the asset asks for, in words."""
    wanted = str(context.spec.parameters.get("version") or "").lstrip("v")
    if not wanted or context.settings.ingestr:
        return []
    try:
        have = metadata.version("ingestr")
    except metadata.PackageNotFoundError:
        return []
    if wanted in (have, "1") or have.startswith(f"{wanted}."):
        return []
    return [f"parameters.version asks for ingestr {wanted}; this worker has {have} and used it"]


def _as_done(load: Load, report: Report) -> Load:
    """The load as ingestr did it: a source may bring a strategy and a primary key of its own."""
    keys = load.keys or report.keys
    return replace(load, strategy=load.strategy or report.strategy, keys=keys)
