"""Brings a database to the revision that this version of the code needs. catalog.engine offers it.

Importing Alembic costs 0.2 s, so it is done only where a database is really behind: a new one is
made from the tables' metadata, which a test holds equal to what the migrations lead to.
"""

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection, Engine, String, column, inspect, select, table, text

from catalog.clock import now
from catalog.tables import metadata

HEAD = "0003"
"""The newest revision; a test holds it equal to Alembic's."""

MIGRATIONS = Path(__file__).with_name("migrations")

_LOCK = 0x666C656574  # "fleet": the advisory lock under which PostgreSQL catalogs are upgraded


_BUSY = 60.0  # seconds since a worker was heard of, for it to count as being at work


class CatalogRefused(Exception):
    """This version cannot work with the catalog now; the text says what to do."""


class CatalogTooNewError(CatalogRefused):
    """The catalog was made by a newer version of bruin-fleet than this one."""


class CatalogInUseError(CatalogRefused):
    """The catalog must be upgraded, and workers of an older version still work with it."""


def upgrade(engine: Engine) -> None:
    """Bring the database to HEAD; several processes may do so at once."""
    with engine.connect() as connection:
        if revision(connection.execution_options(catalog_reads=True)) == HEAD:
            return
    with engine.begin() as connection:  # on SQLite this is the lock that others wait for
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        _bring_to_head(connection)


def revision(connection: Connection) -> str | None:
    """The database's revision, None where it has none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _bring_to_head(connection: Connection) -> None:
    found = revision(connection)
    if found == HEAD:
        return
    if found is None and not inspect(connection).get_table_names():
        _create(connection)
    else:
        if _is_older(found):
            _refuse_while_used(connection)
        _migrate(connection)


def _is_older(found: str | None) -> bool:
    return found is None or found < HEAD


def _create(connection: Connection) -> None:
    metadata.create_all(connection)
    connection.execute(
        text(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"
            " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
    )
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def _refuse_while_used(connection: Connection) -> None:
    """Workers that were started before do not know what an upgrade makes of the tables."""
    if not inspect(connection).has_table("workers"):
        return
    here = (column("left_at").is_(None), column("beat_at") > now() - _BUSY)
    query = select(column("name", String)).select_from(table("workers")).where(*here)
    names: Iterable[str] = connection.scalars(query)
    if busy := ", ".join(sorted(names)):
        raise CatalogInUseError(
            f"the catalog has revision {revision(connection)} and must become {HEAD}, but workers"
            f" of an older version are at work: {busy}; stop them (SIGTERM lets them"
            " end what they run), or wait a minute if they were killed"
        )


def _migrate(connection: Connection) -> None:
    from alembic import command, config, util  # noqa: PLC0415 - see the module's first lines

    settings = config.Config()
    settings.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    settings.attributes["connection"] = connection
    try:
        command.upgrade(settings, "head")
    except util.CommandError as error:
        raise CatalogTooNewError(
            f"the catalog has revision {revision(connection)}, which this version of bruin-fleet"
            f" does not know ({error}); install the version that made it, or name another catalog"
        ) from error
