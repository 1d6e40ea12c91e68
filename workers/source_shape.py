"""What the source of an ingestr asset looks like, where we can ask it: what would be lost there.

Called by workers.ingest_step. Sources that we do not query ourselves tell nothing.
"""

import re

from assets_parser.spec import AssetSpec
from workers.connections import Connection
from workers.context import Stop
from workers.engines import Database, QueryFailed, opened
from workers.errors import StepFailed
from workers.guard import Guard
from workers.load_flags import LISTS_STAY
from workers.load_proof import ENGINES, PATIENCE
from workers.source_flags import Reading
from workers.sql.names import alike

QUERY = "query:"
_NUMBERS = re.compile(
    r"(u?(big|small|tiny|huge)?int(eger)?[0-9]*|float[0-9]*|double|real|decimal|numeric)\b"
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
    return Reading(lists=lists, numbers=numbers, bounded=False)


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
