"""Removes what ingestr leaves behind: staging files, staging tables of loads that failed.

Called by workers.loading after each load.
"""

import re
from pathlib import Path

from workers.connections import Connection
from workers.engines import Database, opened
from workers.guard import Guard
from workers.load_proof import PATIENCE, Started, provable
from workers.sql.names import table_parts

_STAGING = re.compile(r"_(\d{19})$")  # ingestr ends the names of its tables with nanoseconds


def tidy(connection: Connection, table: str, started: Started, *, failed: bool) -> None:
    """Remove what ingestr left behind: its staging file, and after a failure its staging tables."""
    if connection.type == "sqlite" and connection.file:
        _remove_staging_file(connection.file)
    if not failed or connection.type == "sqlite" or not provable(connection):
        return
    if connection.file and not connection.file.exists():
        return
    with opened(connection, write=True, guard=Guard(timeout=PATIENCE)) as database:
        for parts in _left(database, table, started):
            database.execute(f"DROP TABLE IF EXISTS {database.dialect.table(parts)}")


def _left(database: Database, table: str, started: Started) -> list[tuple[str, str]]:
    """The staging tables that this load made: named after its table, and not older than it."""
    parts = [part.lower() for part in table_parts(table)]
    prefixes = (f"{parts[-1]}_", f"{'__'.join(parts)}_")
    query = "SELECT table_schema, table_name FROM information_schema.tables"
    found, _ = database.rows(query, limit=100_000)
    return [
        (str(schema), str(name))
        for schema, name in found
        if (match := _STAGING.search(str(name)))
        and int(match[1]) >= started.nanoseconds
        and str(name).lower().startswith(prefixes)
    ]


def _remove_staging_file(file: Path) -> None:
    staging = file.with_name(f"{file.stem}__bruin_staging{file.suffix}")
    for suffix in ("", "-wal", "-shm", "-journal"):
        staging.with_name(staging.name + suffix).unlink(missing_ok=True)
