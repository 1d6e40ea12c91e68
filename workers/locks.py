"""What a step must hold: database files one at a time, places of limited connections, fleet-wide.

Called at each claim.

A file is known by its identity where several hosts may reach it (workers.file_homes), else by its
real path; one with several names (hard links) also by its inode. A disk that
does not tell upper from lower case is covered by the inode too.
"""

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from assets_parser import connection_names, imports
from assets_parser.connection_names import OURS
from assets_parser.spec import AssetSpec, Step
from workers.connections import Connection, Connections

if TYPE_CHECKING:
    from catalog.claims import Want

_NONE: Mapping[Path, str] = MappingProxyType({})
_TARGET = ("host", "port", "database", "path", "account", "project_id", "catalog")


def name(connection: Connection) -> str | None:
    """`duckdb:/real/path`, None for a connection that is no file."""
    return f"{connection.type}:{os.path.realpath(connection.file)}" if connection.file else None


def names(
    connection: Connection, table: str = "", identities: Mapping[Path, str] = _NONE
) -> tuple[str, ...]:
    """All locks that a writer of `table` in this connection takes.

    A file of which `identities` knows one has that as its name, whatever its path.
    """
    file = connection.file
    if file is None:
        return ()
    identity = identities.get(file, "")
    found = _of_file(connection.type, file, identity)
    if connection.type == "sqlite" and (attached := attached_file(file, table)):
        beside = f"{identity}/{attached.name}" if identity else ""
        found += _of_file(connection.type, attached, beside)
    return tuple(sorted(set(found)))


def attached_file(file: Path, table: str) -> Path | None:
    """Where ingestr keeps a table `raw.orders` of a SQLite database: in `<base>__raw<ext>`."""
    schema, _, bare = table.rpartition(".")
    if not bare or schema in ("", "main"):
        return None
    return file.with_name(f"{file.stem}__{schema.rpartition('.')[2]}{file.suffix}")


def wants(
    spec: AssetSpec,
    step: Step,
    connections: Connections,
    identities: Mapping[Path, str] = _NONE,
) -> "list[Want]":
    """What a claim of this step must hold, in one fixed order."""
    from catalog.claims import Want  # noqa: PLC0415 - it pulls in SQLAlchemy

    held = wanted(spec, step, connections, identities)
    files = [Want(name=lock, what=what) for lock, what in held]
    limited = places(spec, step, connections)
    return files + [Want(name=lock, capacity=most, what=what) for lock, most, what in limited]


def places(spec: AssetSpec, step: Step, connections: Connections) -> list[tuple[str, int, str]]:
    """The connections with `max_concurrent_assets` that `step` uses: lock, limit, words."""
    secrets = [secret.key for secret in spec.secrets]
    source = str(spec.parameters.get("source_connection") or "")
    used = [spec.connection, *([] if step in OURS else secrets)]
    if step == "ingest":
        used.append(source)
    found = ((one, one.number("max_concurrent_assets")) for one in connections.some(used))
    return sorted((_place(one), most, f"connection {one.name!r}") for one, most in found if most)


def _place(connection: Connection) -> str:
    """Known by where it leads, so that two projects may each have a `db` of their own."""
    target = [str(connection.fields.get(key, "")) for key in _TARGET]
    digest = hashlib.sha256("\n".join(target).encode()).hexdigest()[:12]
    return f"connection:{connection.type}:{connection.name}:{digest}"


def wanted(
    spec: AssetSpec,
    step: Step,
    connections: Connections,
    identities: Mapping[Path, str] = _NONE,
) -> list[tuple[str, str]]:
    """The names of the locks that `step` needs, each with what it guards, sorted."""
    found: dict[str, str] = {}
    for connection, table in _touched(spec, step, connections):
        for lock in names(connection, table, identities):
            found[lock] = f"{connection.type}:{connection.name}"
    return sorted(found.items())


def files(spec: AssetSpec, step: Step, connections: Connections) -> list[tuple[Connection, Path]]:
    """The database files that `step` may open, each with its connection."""
    touched = (connection for connection, _ in _touched(spec, step, connections))
    return [(connection, connection.file) for connection in touched if connection.file]


def writes(step: Step) -> bool:
    """Whether a step may make a database file; the others only look."""
    return step not in ("checks", "sensor")


def _touched(spec: AssetSpec, step: Step, connections: Connections) -> list[tuple[Connection, str]]:
    """The connections that `step` uses, each with the table that it writes there, if it does."""
    table = spec.name if step in OURS else ""
    used = list(connections.some(connection_names.of_step(spec, step)))
    opened = _opened(spec, step, used, connections)
    return [(one, table) for one in used] + [(one, "") for one in opened if one not in used]


def _opened(
    spec: AssetSpec, step: Step, used: list[Connection], connections: Connections
) -> list[Connection]:
    """The connections whose files the step opens by their path, without a word in its definition.

    Those that its text names; where a source opens databases and neither declares nor names one,
    any of that kind may be meant.
    """
    if step in OURS - {"query"}:
        return []
    said = imports.files(_sql(spec)) if step == "query" else spec.opens
    named = [one for one, file in connections.of_files() if file.name in said]
    if named or step == "query" or any(one.file for one in used):
        return named
    kinds = {imports.OPENERS.get(module) for module in spec.imports}
    return [one for one, _ in connections.of_files() if one.type in kinds]


def _sql(spec: AssetSpec) -> str:
    return "\n".join((*spec.hooks.pre, spec.query, *spec.hooks.post))


def _of_file(kind: str, file: Path, identity: str) -> list[str]:
    real = os.path.realpath(file)
    found = [f"{kind}:id:{identity}" if identity else f"{kind}:{real}"]
    try:
        status = Path(real).stat()
    except OSError:
        return found  # not made yet: nobody can know it under another name
    if status.st_nlink > 1 or sys.platform == "darwin":
        found.append(f"{kind}:inode:{status.st_dev}:{status.st_ino}")
    return found
