"""What Alembic runs. catalog.schema passes the connection; offline it writes SQL."""

from alembic import context

from catalog.tables import metadata


def _offline() -> None:
    url = context.config.get_main_option("sqlalchemy.url") or "sqlite://"
    context.configure(url=url, target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def _online() -> None:
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    _offline()
else:
    _online()
