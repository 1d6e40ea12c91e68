"""What the source of an ingestr asset looks like, where we can ask it: what would be lost there.

Called by workers.ingest_step. Sources that we do not query ourselves tell nothing.
"""

import re

from assets_parser.spec import AssetSpec
from workers import column_hints, kept_types
from workers.column_hints import Hint
from workers.connections import Connection
from workers.context import Stop
from workers.engines import Database, QueryFailed, opened
from workers.errors import StepFailed
from workers.guard import Guard
from workers.load_flags import LISTS_STAY
from workers.load_proof import ENGINES, PATIENCE, shape_before
from workers.source_flags import Reading
from workers.sql.names import alike, resolve, snake_case

QUERY = "query:"
_NUMBERS = re.compile(
    r"(u?(big|small|tiny|huge)?int(eger)?[0-9]*|float[0-9]*|double|real|decimal|numeric)\b"
)
_BARE = re.compile(r"numeric|decimal")  # without digits
_DECIMAL = f"decimal({column_hints.MAX_PRECISION},{column_hints.SCALE})"
_ROUNDED = (
    "typeof({0}) = 'real' AND {0} <> round({0})",
    "is a decimal without digits and holds fractions, which ingestr rounds to whole numbers",
    "read it as text, `source_table: query:select ..., cast({0} as text) as {0} from ...`, and "
    "declare its column as decimal with `enforce_schema: true`",
)
_NESTED = (
    "array_ndims({0}) > 1",
    "holds arrays of several dimensions, of which ingestr makes one",
    "read it as JSON: `source_table: query:select ..., to_json({0}) as {0} from ...`",
)
_GARBLED = re.compile(r"^(STRUCT|MAP|UNION|INTERVAL)\b|\b(STRUCT|MAP|UNION)\(")
_GARBLED_IN_QUERY = re.compile(_GARBLED.pattern + r"|\]$|^TIME$")


def look(
    source: Connection, table: str, spec: AssetSpec, destination: Connection, stop: Stop
) -> Reading:
    """What the table `table` of `source` is like; StepFailed if ingestr would lose a column."""
    if source.type not in ENGINES:
        return Reading()
    if source.file and not source.file.exists():
        raise StepFailed(
            "config",
            f"connection {source.name!r}: there is no file {source.file}",
            hint="ingestr would make an empty one",
        )
    columns = _wanted(_columns(source, table, stop), spec)
    _refuse_alike(columns, table, spec)
    _refuse_garbled(columns, source, table)
    stay = destination.type in LISTS_STAY
    lists = [name for name, kind in columns.items() if kind.endswith("]") and not stay]
    numbers = [name for name, kind in columns.items() if _NUMBERS.match(kind.lower())]
    notices = _refuse_changed(columns, source, table, stop)
    bare = [name for name, kind in columns.items() if _is_bare(source, kind)]
    kept = _kept(bare, spec, destination, stop)
    return Reading(lists=lists, numbers=numbers, kept=kept, notices=notices, bounded=False)


def _is_bare(source: Connection, kind: str) -> bool:
    return source.type == "sqlite" and bool(_BARE.fullmatch(kind.strip().lower()))


def _kept(names: list[str], spec: AssetSpec, destination: Connection, stop: Stop) -> list[Hint]:
    """The types of decimals without digits: ingestr makes others of them in each run, and fails.

    It does not where PostgreSQL's have none either: there a type would make it fail.
    """
    if not names:
        return []
    before = shape_before(destination, spec.name, stop)
    types = kept_types.as_before(before) if before else ()
    known = {hint.name: hint.type for hint in types}
    alone = {n for n, kind in before.columns.items() if kind == "numeric"} if before else set()
    found = [(name, resolve(name, known)) for name in names if resolve(name, alone) is None]
    return [Hint(name=snake_case(n), type=known[had] if had else _DECIMAL) for n, had in found]


def _refuse_changed(
    columns: dict[str, str], source: Connection, table: str, stop: Stop
) -> tuple[str, ...]:
    """StepFailed if ingestr would change values that the type allows; a notice if we cannot tell.

    It rounds decimals of SQLite that are declared without digits, and flattens arrays of arrays.
    """
    looks = {
        name: _ROUNDED if _is_bare(source, kind) else _NESTED
        for name, kind in columns.items()
        if _is_bare(source, kind) or (source.type == "postgres" and kind.endswith("[]"))
    }
    if not looks or table.startswith(QUERY):
        return ()
    with opened(source, guard=Guard(stop, PATIENCE)) as database:
        shape = database.shape(table)
        where = database.dialect.table(shape.parts) if shape else ""
        for name, (condition, what, hint) in looks.items():
            column = database.dialect.identifier(name)
            query = f"SELECT 1 FROM {where} WHERE {condition.format(column)}"  # noqa: S608
            try:
                found = database.rows(query, limit=1)[0]
            except (QueryFailed, StepFailed) as error:
                if isinstance(error, StepFailed) and error.kind != "timeout":
                    raise
                return (f"it was not looked whether {name!r} {what}: {error}",)
            if found:
                raise StepFailed(
                    "load", f"column {name!r} of {table} {what}", hint=hint.format(name)
                )
    return ()


def _columns(source: Connection, table: str, stop: Stop) -> dict[str, str]:
    """The columns and their types; empty where only ingestr can tell."""
    with opened(source, guard=Guard(stop, PATIENCE)) as database:
        try:
            if table.startswith(QUERY):
                return _described(database, table.removeprefix(QUERY))
            shape = database.shape(table)
        except QueryFailed:  # ingestr puts moments into it, or there is no such table
            return {}
    return dict(shape.columns) if shape else {}


def _described(database: Database, query: str) -> dict[str, str]:
    if database.dialect.name != "duckdb":
        return {}
    found, _ = database.rows(f"DESCRIBE {query.strip().rstrip(';')}", limit=100_000)
    return {str(row[0]): str(row[1]) for row in found}


def _wanted(columns: dict[str, str], spec: AssetSpec) -> dict[str, str]:
    written = spec.parameters.get("sql_exclude_columns") or ""
    parts = written if isinstance(written, list | tuple) else str(written).split(",")
    left_out = {str(part).strip().lower() for part in parts}
    return {name: kind for name, kind in columns.items() if name.lower() not in left_out}


def _refuse_alike(columns: dict[str, str], table: str, spec: AssetSpec) -> None:
    """ingestr would give several columns one name, and keep the last."""
    direct = spec.parameters.get("schema_naming") == "direct"
    for new, names in alike(columns, direct=direct).items():
        raise StepFailed(
            "load",
            f"columns {', '.join(map(repr, names))} of {table} would all be named {new!r} in "
            f"{spec.name}: only one would be kept",
            hint="set `schema_naming: direct`, or leave one out with `sql_exclude_columns`",
        )


def _refuse_garbled(columns: dict[str, str], source: Connection, table: str) -> None:
    """ingestr reads some types as what they are in its memory, such as `{0x1ada18bed188}`."""
    if source.type == "sqlite":
        return
    marks = _GARBLED_IN_QUERY if table.startswith(QUERY) else _GARBLED
    for name, kind in columns.items():
        if marks.search(kind.upper()):
            raise StepFailed(
                "load",
                f"column {name!r} of {table} is of type {kind}, which ingestr cannot read",
                hint="make it a text or JSON: `source_table: query:select ...` with to_json() or "
                "cast(... as text)",
            )
