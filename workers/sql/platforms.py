"""How platforms differ where SQL assets are written. A table; used by workers.sql.strategies.

A new platform is a new entry: first its words here, then, where its SQL needs another form
altogether, writers of its own in workers.sql.strategies.
"""

from collections.abc import Callable
from dataclasses import dataclass

from workers.sql import dialects
from workers.sql.dialects import Dialect
from workers.sql.scripts import BadAsset

Find = Callable[[Dialect, tuple[str, ...]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The SQL of one platform, named by the first word of its asset types.

    `find_table` and `find_schema` write a query that gives a row if there is one. `far` is the end
    of a version that is current. `utc` makes the session's zone UTC, and the time stand still, for
    the rest of a transaction. `same` and `differs` compare two values of which NULL is one.
    """

    name: str
    dialect: Dialect
    grammar: str  # as assets_parser.sql_tables names it
    connections: frozenset[str]  # the types of .bruin.yml that it runs on
    find_table: Find
    find_schema: Find
    truncate: str = "TRUNCATE TABLE {}"
    temp: str = "CREATE TEMP TABLE {} AS"
    now: str = "CURRENT_TIMESTAMP"  # the same throughout a transaction
    same: str = "{} IS NOT DISTINCT FROM {}"
    differs: str = "{} IS DISTINCT FROM {}"
    instant: str = "TIMESTAMPTZ"  # the type of a moment
    far: str
    utc: str = ""
    utc_back: str = ""  # after the transaction, if `utc` outlives it
    starts_history: bool = False  # _valid_from is the first column of a table with history
    joins_nulls: bool = False  # `same` is as quick as = in a join
    joins_to_update: bool = False  # UPDATE a JOIN b SET, instead of UPDATE a SET FROM b
    swaps: bool = False  # a statement like DROP commits: a new table is made aside and renamed
    zoneless: bool = False  # a moment is written without its zone
    comments_inside: bool = False  # a column's comment is part of its definition
    schema_inside: bool = False  # the schema is made in the asset's transaction
    savepoints: bool = True
    schema: str = "CREATE SCHEMA IF NOT EXISTS {}"
    day: str = "{}"  # the literal of a day
    moment: str = "{}"  # and of a moment
    transactions: bool = True


def of(asset_type: str) -> Platform:
    """The platform of an asset type such as `duckdb.sql`; BadAsset if its SQL is not written."""
    word = asset_type.partition(".")[0]
    if word not in _PLATFORMS:
        raise BadAsset(f"fleet does not write the SQL of {asset_type!r} assets")
    return _PLATFORMS[word]


def _duckdb_table(dialect: Dialect, parts: tuple[str, ...]) -> str:
    *before, table = map(dialect.literal, parts)
    schema = before[-1] if before else "current_schema()"
    catalog = before[-2] if len(before) > 1 else "current_database()"
    return (
        "SELECT 1 FROM information_schema.tables "  # noqa: S608 - literals are quoted
        f"WHERE lower(table_catalog) = lower({catalog}) AND lower(table_schema) = lower({schema}) "
        f"AND lower(table_name) = lower({table})"
    )


def _duckdb_schema(dialect: Dialect, parts: tuple[str, ...]) -> str:
    name = dialect.literal(parts[-2])
    return f"SELECT 1 FROM information_schema.schemata WHERE lower(schema_name) = lower({name})"  # noqa: S608


def _postgres_table(dialect: Dialect, parts: tuple[str, ...]) -> str:
    return f"SELECT 1 WHERE to_regclass({dialect.literal(dialect.table(parts))}) IS NOT NULL"


def _postgres_schema(dialect: Dialect, parts: tuple[str, ...]) -> str:
    return f"SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = {dialect.literal(parts[-2])}"  # noqa: S608


def _mysql_table(dialect: Dialect, parts: tuple[str, ...]) -> str:
    *before, table = map(dialect.literal, parts)
    schema = before[-1] if before else "DATABASE()"
    return (
        "SELECT 1 FROM information_schema.tables "  # noqa: S608 - literals are quoted
        f"WHERE table_schema = {schema} AND table_name = {table}"
    )


def _mysql_schema(dialect: Dialect, parts: tuple[str, ...]) -> str:
    name = dialect.literal(parts[-2])
    return f"SELECT 1 FROM information_schema.schemata WHERE schema_name = {name}"  # noqa: S608


def _clickhouse_table(dialect: Dialect, parts: tuple[str, ...]) -> str:
    *before, table = map(dialect.literal, parts)
    database = before[-1] if before else "currentDatabase()"
    return f"SELECT 1 FROM system.tables WHERE database = {database} AND name = {table}"  # noqa: S608


def _clickhouse_schema(dialect: Dialect, parts: tuple[str, ...]) -> str:
    return f"SELECT 1 FROM system.databases WHERE name = {dialect.literal(parts[-2])}"  # noqa: S608


_PLATFORMS: dict[str, Platform] = {
    "clickhouse": Platform(
        name="clickhouse",
        dialect=dialects.of("clickhouse"),
        grammar="clickhouse",
        connections=frozenset({"clickhouse"}),
        find_table=_clickhouse_table,
        find_schema=_clickhouse_schema,
        far="toDateTime64('2299-12-31 23:59:59', 6, 'UTC')",
        schema="CREATE DATABASE IF NOT EXISTS {}",
        day="toDate({})",
        moment="toDateTime64({}, 6, 'UTC')",
        zoneless=True,
        comments_inside=True,
        transactions=False,
        savepoints=False,
    ),
    "duckdb": Platform(
        name="duckdb",
        dialect=dialects.of("duckdb"),
        grammar="duckdb",
        connections=frozenset({"duckdb", "motherduck"}),
        find_table=_duckdb_table,
        find_schema=_duckdb_schema,
        far="TIMESTAMPTZ '9999-12-31 23:59:59+00'",
        utc="SET TimeZone = 'UTC'",
        utc_back="RESET TimeZone",
        joins_nulls=True,
        schema_inside=True,
        savepoints=False,
    ),
    "pg": Platform(
        name="pg",
        dialect=dialects.of("postgres"),
        grammar="postgres",
        connections=frozenset({"postgres"}),
        find_table=_postgres_table,
        find_schema=_postgres_schema,
        far="TIMESTAMPTZ '9999-12-31 00:00:00+00'",
        utc="SET LOCAL TIME ZONE 'UTC'",
        starts_history=True,
    ),
    "my": Platform(
        name="my",
        dialect=dialects.of("mysql"),
        grammar="mysql",
        connections=frozenset({"mysql"}),
        find_table=_mysql_table,
        find_schema=_mysql_schema,
        truncate="DELETE FROM {}",  # TRUNCATE would commit
        temp="CREATE TEMPORARY TABLE {} AS",
        now="NOW(6)",
        same="{} <=> {}",
        differs="NOT ({} <=> {})",
        instant="DATETIME(6)",
        far="CAST('9999-12-31 23:59:59' AS DATETIME(6))",
        utc="SET time_zone = '+00:00', timestamp = UNIX_TIMESTAMP(NOW(6))",
        utc_back="SET time_zone = DEFAULT, timestamp = DEFAULT",
        joins_nulls=True,
        joins_to_update=True,
        swaps=True,
        zoneless=True,
        comments_inside=True,
        savepoints=False,
    ),
}
