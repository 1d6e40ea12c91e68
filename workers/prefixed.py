"""Reads of an environment with a schema prefix: the prefixed table where there is one, else the
table itself, as Bruin does. For the query and the checks step.

The plan has done it for the tables that the run makes; here the database is asked for the others.
"""

from collections.abc import Callable

from assets_parser import prefix
from assets_parser.spec import AssetSpec
from assets_parser.sql_tables import dialect_of


def with_existing_tables(
    spec: AssetSpec, exists: Callable[[str], bool], connection_type: str
) -> AssetSpec:
    """The spec with its SQL and checks reading those prefixed tables that exist.

    `exists` is asked about dotted names, as they are written and in small letters.
    """
    word = spec.environment.get("BRUIN_SCHEMA_PREFIX", "")
    if not word:
        return spec
    known: dict[str, bool] = {}

    def is_there(name: str) -> bool:
        if name not in known:
            parts = name.split(".")
            may_be = len(parts) <= 3 and not parts[-2].casefold().startswith(word.casefold())
            new = prefix.with_prefix(name, word)
            known[name] = may_be and any(map(exists, dict.fromkeys((new, new.casefold()))))
        return known[name]

    dialect = dialect_of(connection_type)

    def changed(sql: str) -> str:
        return prefix.with_prefixed_tables(sql, word, is_there, dialect)

    return prefix.in_texts(spec, changed)
