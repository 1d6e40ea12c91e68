"""The ingest step: a table of one connection into another, by ingestr. Called by workers.steps."""

import time
from dataclasses import replace
from importlib import metadata

from assets_parser.spec import AssetSpec
from workers import connections, load_proof, loading, source_flags, source_shape, source_uris
from workers.context import StepContext, StepResult
from workers.errors import StepFailed
from workers.ingestr import Report
from workers.load_flags import Load, true
from workers.loading import Work
from workers.masking import Masker
from workers.secret_values import secret_texts
from workers.seed_facts import Read
from workers.source_shape import Source

_ENDLESS = ("stream", "cdc", "cdc_mode")


def run(context: StepContext) -> StepResult:
    """Copy the table; StepFailed if rows would be lost."""
    began = time.monotonic()
    spec = context.spec
    _refuse_endless(spec)
    known = connections.of(context)
    connection = known.get(spec.connection)
    source = known.get(_needed(spec, "source_connection"))
    uri = source_uris.source_uri(source, str(spec.parameters.get("source") or ""))
    secrets = [*secret_texts(connection), *secret_texts(source), uri]
    context.mask(secrets)
    table = _needed(spec, "source_table")
    found = source_shape.look(source, table, spec, connection, context.stop)
    load = source_flags.of_source(spec, found.reading)
    repeatable = load.strategy != "append"
    work = Work(
        source=uri,
        source_table=table,
        table=spec.name,
        load=load,
        mark=None if repeatable else loading.mark_of(context),
    )
    report, started = loading.carry(context, connection, work, Masker(secrets))
    given = Read(rows=report.rows, keys=None, notices=tuple(_notices(context)))
    load = _as_done(load, report, found)
    proof = load_proof.prove(connection, spec.name, given, load, started, stop=context.stop)
    loading.mark_of(context).unlink(missing_ok=True)
    return loading.result(context, connection, spec.name, given.told(proof), began)


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


def _as_done(load: Load, report: Report, found: Source) -> Load:
    """The load as ingestr did it: a source may bring a strategy and a primary key of its own."""
    keys = report.keys or load.keys or found.keys
    return replace(load, strategy=load.strategy or report.strategy, keys=tuple(keys))
