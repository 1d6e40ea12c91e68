"""The checks step: asks the table whether it keeps the asset's promises. Called by workers.steps.

All column checks of the table are asked in one scan; if that query fails, one by one, so that each
error hits its own check. The dialect is that of the asset's connection.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from assets_parser import check_ids
from assets_parser.model import Check, Column, CustomCheck
from assets_parser.spec import AssetSpec
from catalog.values import CheckRow
from workers import connections, sessions
from workers.context import StepContext, StepResult
from workers.engines import Database, QueryFailed, Shape, opened
from workers.guard import Guard
from workers.prefixed import with_existing_tables
from workers.secret_values import secret_texts
from workers.sql import annotations, queries, wording
from workers.sql.names import resolve
from workers.sql.queries import BadCheck, Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A column check with the query that answers it alone, or the reason why it cannot be asked."""

    column: Column
    check: Check
    measure: Measure | None = None
    query: str = ""
    trouble: str = ""


def run(context: StepContext) -> StepResult:
    """Run all checks of the asset; those that fail are outcomes, not errors.

    StepFailed if the connection cannot be opened, the time is up, or the step must stop.
    """
    spec = context.spec
    connection = connections.of(context).get(spec.connection)
    context.mask(secret_texts(connection))
    guard = Guard(context.stop, spec.timeout)
    name = sessions.of(context.claim)
    whose = {"asset": spec.name, "pipeline": spec.pipeline, "type": "checks"}
    note = annotations.comment(context.options.query_annotations, whose)
    with opened(connection, guard=guard, name=name, note=note) as database:
        outcomes = _column_checks(context, database)
        custom = _of_environment(spec, database)
        outcomes += [_custom(context, database, check) for check in custom]
    for outcome in outcomes:
        state = "passed" if outcome.passed else f"FAILED: {outcome.message}"
        context.log.line(f"check {outcome.id} {state}")
    passed = sum(outcome.passed for outcome in outcomes)
    result = {"passed": passed, "failed": len(outcomes) - passed}
    return StepResult(result=result, checks=tuple(outcomes))


def _of_environment(spec: AssetSpec, database: Database) -> tuple[CustomCheck, ...]:
    def exists(name: str) -> bool:
        return database.shape(name) is not None

    return with_existing_tables(spec, exists, database.connection.type).custom_checks


def _column_checks(context: StepContext, database: Database) -> list[CheckRow]:
    wanted = [(column, check) for column in context.spec.columns for check in column.checks]
    if not wanted:
        return []
    shape = database.shape(context.spec.name)
    asked = [_asked(database, shape, context.spec.name, *pair) for pair in wanted]
    answers = _together(database, shape, asked) if shape else None
    if answers is None:
        return [_alone(context, database, one) for one in asked]
    return [_answered(context, one, answers.get(id(one))) for one in asked]


def _asked(
    database: Database, shape: Shape | None, table: str, column: Column, check: Check
) -> _Asked:
    if shape is None:
        return _Asked(column=column, check=check, trouble=_no_table(database, table))
    found = resolve(column.name, shape.columns)
    if found is None:
        have = ", ".join(shape.columns)
        trouble = f"{table} has no column {column.name!r}; it has: {have}"
        return _Asked(column=column, check=check, trouble=trouble)
    try:
        measure = _measure(database, column, check, found, shape.columns[found])
    except BadCheck as error:
        return _Asked(column=column, check=check, trouble=str(error))
    query = queries.single(database.dialect.table(shape.parts), measure)
    return _Asked(column=column, check=check, measure=measure, query=query)


def _no_table(database: Database, table: str) -> str:
    return (
        f"there is no table {table} in connection {database.connection.name!r}: the asset must "
        "make it first"
    )


def _measure(database: Database, column: Column, check: Check, name: str, kind: str) -> Measure:
    parent = _parent(database, column) if check.name == "relationships" else ""
    quoted = database.dialect.identifier(name)
    return queries.measure(
        database.dialect, check.name, quoted, check.value, kind=kind, parent=parent
    )


def _parent(database: Database, column: Column) -> str:
    """The subquery with the keys that the column refers to, under their real names."""
    key = column.foreign_key
    if key is None:
        return queries.parent_of(database.dialect, column, (), "")
    shape = database.shape(key.table)
    if shape is None:
        raise BadCheck(f"there is no table {key.table}, which column {column.name!r} refers to")
    name = resolve(key.column, shape.columns)
    if name is None:
        raise BadCheck(f"{key.table} has no column {key.column!r}, which {column.name!r} refers to")
    return queries.parent_of(database.dialect, column, shape.parts, name)


def _together(
    database: Database, shape: Shape, asked: Sequence[_Asked]
) -> dict[int, tuple[Any, float]] | None:
    """The answers of one scan, by the id of the check; None if they must be asked one by one."""
    some = [one for one in asked if one.measure]
    if len(some) < 2:
        return None
    query = queries.combined(
        database.dialect.table(shape.parts), [one.measure for one in some if one.measure]
    )
    began = time.monotonic()
    try:
        row = database.row(query)
    except QueryFailed:
        return None
    share = (time.monotonic() - began) / len(some)
    return {id(one): (value, share) for one, value in zip(some, row, strict=True)}


def _alone(context: StepContext, database: Database, one: _Asked) -> CheckRow:
    if one.measure is None:
        return _answered(context, one, None)
    began = time.monotonic()
    try:
        value = database.row(one.query)[0]
    except QueryFailed as error:
        return _outcome(context, one, message=f"the query failed: {error}")
    return _answered(context, one, (value, time.monotonic() - began))


def _answered(context: StepContext, one: _Asked, answer: tuple[Any, float] | None) -> CheckRow:
    if answer is None:
        return _outcome(context, one, message=one.trouble)
    rows, seconds = int(answer[0] or 0), answer[1]
    message = wording.failed(one.column, one.check, rows) if rows else ""
    return _outcome(context, one, observed=str(rows), message=message, seconds=seconds)


def _outcome(
    context: StepContext,
    one: _Asked,
    *,
    message: str,
    observed: str = "",
    seconds: float = 0.0,
) -> CheckRow:
    return CheckRow(
        id=check_ids.of_column(context.spec.name, one.column.name, one.check.name),
        name=one.check.name,
        column=one.column.name,
        blocking=one.check.blocking,
        passed=not message,
        observed=observed,
        expected="0",
        query=one.query,
        message=message,
        seconds=round(seconds, 4),
    )


def _custom(context: StepContext, database: Database, check: CustomCheck) -> CheckRow:
    began = time.monotonic()
    expected = check.value if check.count is None else check.count
    query = queries.bare(check.query)
    if check.count is not None:
        query = queries.counted(query, database.dialect)
    observed, message = _compared(database, check, query, expected)
    return CheckRow(
        id=check_ids.of_custom(context.spec.name, check.name),
        name=check.name,
        blocking=check.blocking,
        passed=not message,
        observed=observed,
        expected=str(expected),
        query=query,
        message=message,
        seconds=round(time.monotonic() - began, 4),
    )


def _compared(database: Database, check: CustomCheck, query: str, expected: int) -> tuple[str, str]:
    """What the query gave, and what is wrong with it, if anything."""
    if check.fault:
        return "", f"the query of check {check.name!r} is not complete: {check.fault}"
    try:
        rows, width = database.rows(query)
    except QueryFailed as error:
        return "", f"the query of check {check.name!r} failed: {error}"
    if len(rows) != 1 or width != 1:
        many = "more than one row" if len(rows) > 1 else f"{width} columns" if rows else "no row"
        return many, f"check {check.name!r} needs one value, its query gave {many}"
    value = rows[0][0]
    observed = "NULL" if value is None else _shown(value)
    number = _number(value)
    if number is None:
        return observed, f"check {check.name!r} needs a number, its query gave {observed}"
    if number == expected:
        return observed, ""
    return observed, f"check {check.name!r} gave {observed} instead of {expected}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    text = str(value)
    return text if len(text) <= 100 else text[:97] + "..."


def _number(value: Any) -> Decimal | None:
    """The value as an exact number: booleans are 1 and 0, texts are read; None if it is none."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    try:
        return Decimal(int(value)) if isinstance(value, bool) else Decimal(str(value))
    except (InvalidOperation, ValueError):
        return None
