"""The tables of a staged load: the target, the attempt's staging table, what is left of others.

ingestr chooses names and types by what it finds in its target. A staging table that is to be moved
into a table which is there therefore begins as an empty copy of it. For workers.load_staging.
"""

import hashlib
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from workers import fences
from workers.engines import QueryFailed
from workers.fences import TABLE as RECORDS
from workers.fences import Fence
from workers.load_proof import STAMP
from workers.load_session import LoadSession
from workers.sql.names import table_parts

PREFIX = "__bruin_fleet_"
_LAST = re.compile(r"""("([^"]|"")*"|[^."]+)$""")
_MAIN = {"duckdb": "main", "sqlite": "main", "postgres": "public"}  # as ingestr takes a bare name
_POSTGRES = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod)
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname = {schema} AND c.relname = {table}
    ORDER BY a.attnum
"""
_DUCKDB = """
    SELECT column_name, data_type FROM information_schema.columns
    WHERE table_catalog = {catalog} AND lower(table_schema) = lower({schema})
    AND lower(table_name) = lower({table}) ORDER BY ordinal_position
"""


class NoRecords(Exception):
    """The bookkeeping table cannot be used; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a table is: `before` are the parts before its name, as the engine has them."""

    before: tuple[str, ...]
    table: str

    def sibling(self, table: str) -> "Place":
        """Another table at the same place."""
        return Place(before=self.before, table=table)


def place(session: LoadSession, table: str) -> Place:
    """Where ingestr puts a table of this name."""
    parts = table_parts(table)
    schema = parts[-2] if len(parts) > 1 else _MAIN[session.engine]
    before: tuple[str, ...] = (schema,)
    if session.engine == "duckdb":  # its database and a schema may have one name
        before = (str(session.ask("SELECT current_database()")[0][0]), schema)
    return Place(before=before, table=parts[-1])


def staging(digest: str, token: int) -> str:
    """The bare name of an attempt's staging table."""
    return f"{PREFIX}{digest}_{token}"


def beside(table: str, name: str) -> str:
    """What ingestr is told, so that it puts the table `name` where it would put `table`."""
    return _LAST.sub("", table) + name


def digest(catalog: str, asset: str) -> str:
    """What the staging tables of an asset have in their names."""
    return hashlib.sha256(f"{catalog}\n{asset}".encode()).hexdigest()[:12]


def quoted(session: LoadSession, place: Place) -> str:
    """The table's whole name."""
    return session.dialect.table((*place.before, place.table))


def columns(session: LoadSession, place: Place) -> dict[str, str]:
    """The table's columns and their types in full, empty if there is no such table."""
    text = session.dialect.literal
    if session.engine == "sqlite":
        schema, table = map(session.dialect.identifier, (place.before[-1], place.table))
        found = session.ask(f"PRAGMA {schema}.table_info({table})")
        return {str(row[1]): str(row[2]) for row in found}
    query = _POSTGRES if session.engine == "postgres" else _DUCKDB
    names = {"catalog": text(place.before[0]), "schema": text(place.before[-1])}
    found = session.ask(query.format(**names, table=text(place.table)))
    return {str(name): str(kind) for name, kind in found}


def keyed(session: LoadSession, place: Place) -> bool:
    """Whether a table has a primary key."""
    text = session.dialect.literal
    if session.engine == "sqlite":
        schema, table = map(session.dialect.identifier, (place.before[-1], place.table))
        return any(row[5] for row in session.ask(f"PRAGMA {schema}.table_info({table})"))
    if session.engine == "duckdb":
        database, schema, table = map(text, (*place.before, place.table))
        query = (
            "SELECT 1 FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY' "  # noqa: S608
            f"AND database_name = {database} AND lower(schema_name) = lower({schema}) "
            f"AND lower(table_name) = lower({table})"
        )
        return bool(session.ask(query))
    name = text(quoted(session, place))
    query = f"SELECT 1 FROM pg_constraint WHERE contype = 'p' AND conrelid = to_regclass({name})"  # noqa: S608
    return bool(session.ask(query))


def to_relax(
    session: LoadSession, place: Place, staged: Place, columns: Mapping[str, str]
) -> tuple[str, ...]:
    """Columns of a PostgreSQL table that take no NULL, and are to get some: ingestr lets them.

    Not those of a key, and not what the server numbers itself.
    """
    name = session.dialect.literal(quoted(session, place))
    found = session.ask(
        "SELECT attname FROM pg_attribute a WHERE attnum > 0 AND attnotnull AND attidentity = '' "  # noqa: S608
        f"AND NOT attisdropped AND attrelid = to_regclass({name}) AND NOT EXISTS (SELECT 1 FROM "
        "pg_constraint WHERE contype = 'p' AND conrelid = attrelid AND attnum = ANY (conkey))"
    )
    strict = [str(row[0]) for row in found if row[0] in columns]
    if not strict:
        return ()
    tests = ", ".join(f"bool_or({session.dialect.identifier(one)} IS NULL)" for one in strict)
    row = session.ask(f"SELECT {tests} FROM {quoted(session, staged)}")[0]  # noqa: S608
    return tuple(one for one, empty in zip(strict, row, strict=True) if empty)


def key_name(session: LoadSession, place: Place) -> str:
    """The name that PostgreSQL would give the table's key: another one where that is taken."""
    for number in itertools.count():
        label = f"_pkey{number or ''}"
        name = place.table.encode()[: 63 - len(label)].decode(errors="ignore") + label
        found = session.dialect.literal(quoted(session, place.sibling(name)))
        if session.ask(f"SELECT to_regclass({found})")[0][0] is None:
            break
    return name


def make_schema(session: LoadSession, place: Place) -> None:
    """Make the schema where it is missing; only its owner may even ask for that in PostgreSQL."""
    schema = place.before[-1]
    if session.engine == "sqlite":
        return
    name = session.dialect.literal(schema)
    known = f"SELECT 1 FROM information_schema.schemata WHERE schema_name = {name}"  # noqa: S608
    if session.engine == "postgres":
        known = f"SELECT 1 FROM pg_namespace WHERE nspname = {name}"  # noqa: S608
    if session.ask(known):
        return
    try:
        session.ask(f"CREATE SCHEMA IF NOT EXISTS {session.dialect.table(place.before)}")
    except QueryFailed:  # another made it at the same moment: that is a duplicate key there
        if not session.ask(known):
            raise


def copy_empty(session: LoadSession, staged: Place, types: Mapping[str, str]) -> None:
    """An empty table with these columns: no keys, no defaults, nothing that refuses a row.

    PostgreSQL need not log it: after a crash it is empty, and its rows are counted before the move.
    """
    quote = session.dialect.identifier
    listed = ", ".join(f"{quote(name)} {kind}" for name, kind in types.items())
    kind = "UNLOGGED TABLE" if session.engine == "postgres" else "TABLE"
    session.ask(f"CREATE {kind} {quoted(session, staged)} ({listed})")


def drop(session: LoadSession, place: Place) -> None:
    """Drop the table if it is there."""
    session.ask(f"DROP TABLE IF EXISTS {quoted(session, place)}")


def stagings(session: LoadSession, place: Place, digest: str) -> dict[int, Place]:
    """The staging tables of the asset that are there, by the token of their attempt."""
    prefix = f"{PREFIX}{digest}_"
    schema, names = place.before[-1], session.dialect.literal
    if session.engine == "sqlite":
        query = f"SELECT name FROM {session.dialect.identifier(schema)}.sqlite_master"  # noqa: S608
    else:
        query = (
            "SELECT table_name FROM information_schema.tables "  # noqa: S608
            f"WHERE lower(table_schema) = lower({names(schema)}) "
            f"AND table_name LIKE {names(prefix + '%')}"
        )
    found = [str(row[0]) for row in session.ask(query)]
    ours = [name for name in found if name.startswith(prefix) and name[len(prefix) :].isdigit()]
    return {int(name[len(prefix) :]): place.sibling(name) for name in ours}


def records(session: LoadSession, place: Place) -> bool:
    """Whether the bookkeeping table is there. NoRecords if it is another user's, and closed."""
    table = place.sibling(RECORDS)
    if session.engine != "postgres":
        return bool(columns(session, table))
    name = session.dialect.literal(quoted(session, table))
    rights = ("SELECT", "INSERT", "UPDATE", "DELETE")
    may = " AND ".join(f"has_table_privilege(to_regclass({name}), '{one}')" for one in rights)
    found = session.ask(f"SELECT {may}")[0][0]
    if found is False:
        raise NoRecords(f"its user may not change {quoted(session, table)}")
    return found is not None


def identity(session: LoadSession, place: Place, fence: Fence, stamp: str) -> str:
    """What a load's rows are known by: PostgreSQL's number of the table, else their time of load.

    A table that was dropped and made again has neither.
    """
    if session.engine == "postgres":
        return fences.identity(session.ask, fence, place.table)
    return f"stamp {stamp}" if stamp else ""


def identified(session: LoadSession, place: Place, fence: Fence, target: str) -> bool:
    """Whether the table that is there now is the one that was recorded as `target`."""
    if session.engine == "postgres":
        return bool(target) and fences.identity(session.ask, fence, place.table) == target
    if STAMP not in columns(session, place):
        return False
    stamp = session.dialect.literal(target.removeprefix("stamp "))
    if session.engine == "duckdb":
        stamp = f"CAST({stamp} AS TIMESTAMPTZ)"
    where = f"{session.dialect.identifier(STAMP)} = {stamp}"
    query = f"SELECT 1 FROM {quoted(session, place)} WHERE {where} LIMIT 1"  # noqa: S608
    return not target or bool(session.ask(query))
