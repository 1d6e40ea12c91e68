"""The schema: migrations, metadata and the shortcut for new databases lead to the same."""

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command, config
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DatabaseError

from catalog import schema, workers
from catalog.engine import connect, upgrade
from catalog.tables import metadata
from catalog.workers import WorkerInfo


def settings(**options: str) -> config.Config:
    """Alembic's settings, as catalog.schema makes them."""
    made = config.Config(output_buffer=io.StringIO())
    made.set_main_option("script_location", str(schema.MIGRATIONS))
    for name, value in options.items():
        made.set_main_option(name.replace("__", "."), value)
    return made


def run(engine: Engine, action: str, revision: str) -> None:
    """One of Alembic's commands on this database."""
    made = settings()
    with engine.begin() as connection:
        made.attributes["connection"] = connection
        getattr(command, action)(made, revision)


def shape(engine: Engine) -> dict[str, object]:
    """All that the database knows of its tables, but their order."""
    found = inspect(engine)
    return {
        table: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(table)],
            found.get_pk_constraint(table),
            sorted(found.get_foreign_keys(table), key=str),
            sorted(found.get_indexes(table), key=str),
        )
        for table in found.get_table_names()
    }


@pytest.fixture
def empty(url: str) -> Engine:
    """A database without anything."""
    return connect(url)


def test_head_is_alembics_head() -> None:
    assert ScriptDirectory.from_config(settings()).get_heads() == [schema.HEAD]


def test_migrations_lead_to_the_metadata(empty: Engine) -> None:
    run(empty, "upgrade", "head")
    with empty.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_shortcut_for_a_new_database_equals_the_migrations(empty: Engine) -> None:
    run(empty, "upgrade", "head")
    migrated = shape(empty)
    run(empty, "downgrade", "base")
    with empty.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    upgrade(empty)
    assert shape(empty) == migrated


def test_downgrade_leaves_only_the_version(empty: Engine) -> None:
    upgrade(empty)
    run(empty, "downgrade", "base")
    assert inspect(empty).get_table_names() == ["alembic_version"]
    upgrade(empty)
    assert set(inspect(empty).get_table_names()) == {*metadata.tables, "alembic_version"}


@pytest.mark.parametrize("url", ["sqlite://", "postgresql+psycopg://"])
def test_the_migrations_can_be_written_as_sql(url: str) -> None:
    made = settings(sqlalchemy__url=url)
    command.upgrade(made, "head", sql=True)
    written = made.output_buffer.getvalue()
    assert "CREATE TABLE runs" in written and "CREATE INDEX ix_locks_token" in written


def test_upgrading_a_current_catalog_does_not_import_alembic(url: str) -> None:
    upgrade(connect(url))
    code = (
        "import sys; from catalog.engine import connect, upgrade;"
        "upgrade(connect(sys.argv[1])); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, url], check=False).returncode == 0


def test_several_may_upgrade_at_once(url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(upgrade, [connect(url) for _ in range(6)]))
    assert set(inspect(connect(url)).get_table_names()) > {"runs", "steps"}


def test_a_catalog_of_a_newer_version_is_refused_in_words(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(schema.CatalogTooNewError, match="9999"):
        upgrade(engine)


def test_an_older_catalog_is_left_alone_while_older_workers_use_it(engine: Engine) -> None:
    workers.register(engine, WorkerInfo(name="w1", fleet="f", host="h", pid=1))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
    with pytest.raises(schema.CatalogInUseError, match="at work: w1; stop them"):
        upgrade(engine)
    workers.leave(engine, "w1")
    with pytest.raises(DatabaseError):  # this one has all columns already: it was tried
        upgrade(engine)
