"""Brings a database to the revision that this version of the code needs. catalog.engine offers it.

Importing Alembic costs 0.2 s, so it is done only where a database is really behind: a new one is
made from the tables' metadata, which a test holds equal to what the migrations lead to.
"""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from catalog.tables import metadata

HEAD = "0003"
"""The newest revision; a test holds it equal to Alembic's."""

MIGRATIONS = Path(__file__).with_name("migrations")

_LOCK = 0x666C656574  # "fleet": the advisory lock under which PostgreSQL catalogs are upgraded


class CatalogTooNewError(Exception):
    """The catalog was made by a newer version of bruin-fleet than this one."""


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
        _migrate(connection)


def _create(connection: Connection) -> None:
    metadata.create_all(connection)
    connection.execute(
        text(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"
            " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
    )
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


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
