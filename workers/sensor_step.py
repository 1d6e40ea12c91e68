"""The sensor step: asks whether something is there, now or later. Called by workers.steps.

A sensor that waits holds no slot and no connection between two looks: it raises NotYet, and is sent
again when its time has come.
"""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from workers import connections, sessions, waiting
from workers.context import StepContext, StepResult
from workers.engines import Database, QueryFailed, opened
from workers.errors import NotYet, StepFailed
from workers.guard import Guard
from workers.secret_values import secret_texts
from workers.sql import dialects
from workers.sql.names import table_parts

INTERVAL = 30.0  # seconds between two looks
PATIENCE = 86_400.0  # seconds until a sensor that waits has failed
_LEAST = 0.1  # seconds between two looks, whatever is written
_UNITS = {"ns": 1e-9, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_STANDARD = """
    SELECT count(*) FROM information_schema.tables
    WHERE table_schema = {schema} AND table_name = {name} AND table_type = 'BASE TABLE'
"""
_TABLES: Mapping[str, tuple[str, str]] = {  # by connection: where a bare name is, how to count
    "postgres": (
        "'public'",
        "SELECT count(*) FROM pg_catalog.pg_tables"
        " WHERE schemaname = {schema} AND tablename = {name}",
    ),
    "mysql": ("DATABASE()", _STANDARD),  # there a schema is a database
    "clickhouse": (
        "currentDatabase()",
        "SELECT count(*) FROM system.tables"
        " WHERE database = {schema} AND name = {name} AND engine NOT LIKE '%View'",
    ),
}
_OTHERS = ("'public'", _STANDARD)
_SPAN = re.compile(r"(\d{1,12})\s*(ns|ms|s|m|h|d)?", re.ASCII)


def run(context: StepContext) -> StepResult:
    """Pass if the query's number is above 0. Raises NotYet in mode `wait`, else StepFailed."""
    mode = context.options.sensor_mode or "once"
    if mode == "skip":
        context.log.line("passes without a look (--sensor-mode skip)")
        return StepResult(result={"passed": True})
    interval = max(_span(context.spec.parameters, "poke_interval", INTERVAL), _LEAST)
    patience = _span(context.spec.parameters, "timeout", PATIENCE)
    seen = _patiently(context, interval, patience) if mode == "wait" else _look(context)
    if seen > 0:
        context.log.line(f"satisfied: {seen}")
        return StepResult(result={"passed": True})
    if mode != "wait":
        raise _unsatisfied("sensor", f"the sensor is not satisfied: its query gave {seen}")
    left = patience - context.claim.waited
    if left <= 0:
        raise _unsatisfied("timeout", f"the sensor was not satisfied within {patience:g} s")
    delay = min(interval, left)
    raise NotYet(f"not satisfied: its query gave {seen}; it looks again in {delay:.3g} s", delay)


def _unsatisfied(kind: Any, message: str) -> StepFailed:
    hint = "--sensor-mode wait looks again and again, skip lets it pass"
    return StepFailed(kind, message, hint=hint if kind == "sensor" else "raise its `timeout`")


def _span(parameters: Mapping[str, Any], name: str, usual: float) -> float:
    """Seconds of a parameter such as `90s`; a number without a unit is seconds."""
    written = parameters.get(name)
    if written in (None, ""):
        return usual
    match = _SPAN.fullmatch(str(written).strip())
    if match is None:
        hint = "write a number with one unit of ns ms s m h d, such as 30s or 12h"
        raise StepFailed("config", f"{name} {str(written)[:50]!r} is no time span", hint=hint)
    return int(match[1]) * _UNITS[match[2] or "s"]


def _patiently(context: StepContext, interval: float, patience: float) -> int:
    """What a sensor sees that may wait, also for a database file that somebody else has open."""
    try:
        return _look(context)
    except StepFailed as error:
        held = error.kind == "connection" and waiting.in_use(error.detail)
        if not held or connections.of(context).get(context.spec.connection).file is None:
            raise
        context.log.line(error.detail)
        if context.claim.waited >= patience:
            raise StepFailed(
                "timeout",
                f"another program still has the database open after {patience:g} s",
                detail=error.detail,
                hint="end it, or raise the sensor's `timeout`",
            ) from error
        said = f"another program has the database open; it looks again in {interval:.3g} s"
        raise NotYet(said, interval) from error


def _look(context: StepContext) -> int:
    """The number that the sensor's query gives now."""
    spec = context.spec
    connection = connections.of(context).get(spec.connection)
    context.mask(secret_texts(connection))
    query = _query(context, connection.type)
    guard = Guard(context.stop, spec.timeout)
    missing = connection.file is not None and not connection.file.exists()
    hint = f"the database is empty: there is no file {connection.file}" if missing else ""
    with opened(connection, guard=guard, name=sessions.of(context.claim)) as database:
        return _number(database, query, hint)


def _query(context: StepContext, engine: str) -> str:
    if context.spec.type.endswith(".sensor.table"):
        return _table_query(_parameter(context, "table"), engine)
    return _parameter(context, "query").strip().rstrip(";")


def _parameter(context: StepContext, name: str) -> str:
    value = context.spec.parameters.get(name)
    if not isinstance(value, str) or not value.strip():
        message = f"a {context.spec.type} needs parameters.{name}"
        raise StepFailed("config", message, hint=f"write `{name}:` under `parameters`")
    return value


def _table_query(table: str, engine: str) -> str:
    """How many tables, not views, of that name there are."""
    parts = table_parts(table)
    if len(parts) not in (1, 2):
        raise StepFailed("config", f"parameters.table {table!r} is no SCHEMA.TABLE")
    usual, query = _TABLES.get(engine, _OTHERS)
    literal = dialects.of(engine).literal
    schema = literal(parts[0]) if len(parts) > 1 else usual
    return query.format(schema=schema, name=literal(parts[-1]))


def _number(database: Database, query: str, hint: str) -> int:
    """The whole number that the query gives: a fraction is cut, as by Bruin."""
    try:
        rows, width = database.rows(query)
    except QueryFailed as error:
        message = "the sensor's query failed"
        raise StepFailed("sensor", message, detail=str(error), hint=hint) from error
    if len(rows) != 1 or width != 1:
        many = "no row" if not rows else f"{len(rows)} rows or more, {width} columns"
        raise StepFailed("sensor", f"the sensor's query must give one number, it gave {many}")
    value = rows[0][0]
    try:
        number = Decimal(int(value) if isinstance(value, bool) else str(value))
    except (InvalidOperation, ValueError):
        number = Decimal("nan")
    if not number.is_finite():
        said = "NULL" if value is None else repr(value)[:100]
        raise StepFailed("sensor", f"the sensor's query must give a number, it gave {said}")
    return int(number)
