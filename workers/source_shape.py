"""What the source of an ingestr asset looks like, where we can ask it: what would be lost there.

Called by workers.ingest_step. Sources that we do not query ourselves tell nothing.
"""

from dataclasses import dataclass, field

from assets_parser.spec import AssetSpec
from workers.connections import Connection
from workers.context import Stop
from workers.engines import QueryFailed, Shape, opened
from workers.errors import StepFailed
from workers.guard import Guard
from workers.load_flags import LISTS_STAY
from workers.load_proof import ENGINES, PATIENCE
from workers.source_flags import Reading
from workers.sql.names import alike

QUERY = "query:"
_NUMBERS = ("int", "bigint", "smallint", "tinyint", "hugeint", "uint", "ubigint", "usmallint")
_NUMBERS += ("utinyint", "float", "double", "real", "decimal", "numeric")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What was found: what the command line depends on, and the table's own primary key."""

    reading: Reading = field(default_factory=Reading)
    keys: tuple[str, ...] = ()


def look(
    source: Connection, table: str, spec: AssetSpec, destination: Connection, stop: Stop
) -> Source:
    """What the table `table` of `source` is like; StepFailed if ingestr would lose a column."""
    if source.type not in ENGINES:
        return Source()
    if source.file and not source.file.exists():
        raise StepFailed(
            "config",
            f"connection {source.name!r}: there is no file {source.file}",
            hint="ingestr would make an empty one",
        )
    shape = None if table.startswith(QUERY) else _shape(source, table, stop)
    if shape is None:  # a query, or no such table: ingestr says so
        return Source(reading=Reading(bounded=False))
    columns = _wanted(shape, spec)
    _refuse_alike(columns, table, spec)
    _refuse_structs(columns, source, table)
    stay = destination.type in LISTS_STAY
    lists = [name for name, kind in columns.items() if kind.endswith("]") and not stay]
    numbers = [name for name, kind in columns.items() if kind.lower().startswith(_NUMBERS)]
    return Source(reading=Reading(lists=lists, numbers=numbers, bounded=False))


def _shape(source: Connection, table: str, stop: Stop) -> Shape | None:
    with opened(source, guard=Guard(stop, PATIENCE)) as database:
        try:
            return database.shape(table)
        except QueryFailed:
            return None


def _wanted(shape: Shape, spec: AssetSpec) -> dict[str, str]:
    written = spec.parameters.get("sql_exclude_columns") or ""
    parts = written if isinstance(written, list | tuple) else str(written).split(",")
    left_out = {str(part).strip().lower() for part in parts}
    return {name: kind for name, kind in shape.columns.items() if name.lower() not in left_out}


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


def _refuse_structs(columns: dict[str, str], source: Connection, table: str) -> None:
    """ingestr reads a DuckDB struct as the address of the struct in its memory."""
    if source.type != "duckdb":
        return
    for name, kind in columns.items():
        if kind.upper().startswith(("STRUCT", "MAP", "UNION")) or "STRUCT(" in kind.upper():
            raise StepFailed(
                "load",
                f"column {name!r} of {table} is a {kind.partition('(')[0]}, whose values ingestr "
                "cannot read",
                hint=f"read it by a query, as JSON: `source_table: {QUERY}...`, to_json({name})",
            )
