"""Reads of an environment with a schema prefix: the prefixed table where there is one, else the
table itself, as Bruin does. For the query and the checks step.

The plan has done it for the tables that the run makes; here the database is asked for the others.
"""

from assets_parser import prefix
from assets_parser.spec import AssetSpec
from assets_parser.sql_tables import dialect_of
from workers.engines import Database


def with_existing_tables(spec: AssetSpec, database: Database) -> AssetSpec:
    """The spec with its SQL and checks reading the prefixed tables that exist in the database."""
    word = spec.environment.get("BRUIN_SCHEMA_PREFIX", "")
    if not word:
        return spec
    known: dict[str, bool] = {}

    def exists(name: str) -> bool:
        if name not in known:
            parts = name.split(".")
            may_be = len(parts) <= 3 and not parts[-2].startswith(word.casefold())
            known[name] = may_be and database.shape(prefix.with_prefix(name, word)) is not None
        return known[name]

    dialect = dialect_of(database.connection.type)

    def new(sql: str) -> str:
        return prefix.with_prefixed_tables(sql, word, exists, dialect)

    return prefix.in_texts(spec, new)
