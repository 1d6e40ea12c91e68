"""The text of the query that finds a table and its columns, per dialect. Pure; called by
workers.engines.

Each gives rows of schema, table, column and type, of all tables that the name may mean in any
case; the one spelled as asked for comes first.
"""

from workers.sql.dialects import Dialect

_DUCKDB = """
    SELECT table_schema, table_name, column_name, data_type
    FROM information_schema.columns
    WHERE lower(table_name) = lower({table}) AND {where}
    ORDER BY table_name <> {table}, ordinal_position
"""
_POSTGRES = """
    SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND lower(c.relname) = lower({table}) AND {where}
    ORDER BY c.relname <> {table}, a.attnum
"""
_MYSQL = """
    SELECT table_schema, table_name, column_name, column_type
    FROM information_schema.columns
    WHERE lower(table_name) = lower({table}) AND {where}
    ORDER BY BINARY table_name <> BINARY {table}, ordinal_position
"""
_CLICKHOUSE = """
    SELECT database, table, name, type
    FROM system.columns
    WHERE lower(table) = lower({table}) AND {where}
    ORDER BY table <> {table}, table, position
"""
_ORACLE = """
    SELECT owner, table_name, column_name, data_type
    FROM all_tab_columns
    WHERE lower(table_name) = lower({table}) AND {where}
    ORDER BY CASE WHEN table_name = {table} THEN 0 ELSE 1 END, table_name, column_id
"""
_STANDARD = """
    SELECT table_schema, table_name, column_name, data_type
    FROM {place}.columns
    WHERE lower(table_name) = lower({table}) AND {where}
    ORDER BY CASE WHEN table_name = {table} THEN 0 ELSE 1 END, table_name, ordinal_position
"""
# Query, the schema's column in it, and the condition for a name without a schema.
_BY_NAME = {
    "duckdb": (_DUCKDB, "table_schema", "table_schema = current_schema()"),
    "postgres": (_POSTGRES, "n.nspname", "n.nspname::text = ANY(current_schemas(false)::text[])"),
    "mysql": (_MYSQL, "table_schema", "table_schema = DATABASE()"),
    "clickhouse": (_CLICKHOUSE, "database", "database = currentDatabase()"),
    "oracle": (_ORACLE, "owner", "owner = SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA')"),
    "snowflake": (_STANDARD, "table_schema", "table_schema = CURRENT_SCHEMA()"),
    "mssql": (_STANDARD, "table_schema", "table_schema = SCHEMA_NAME()"),
    "trino": (_STANDARD, "table_schema", "table_schema = current_schema"),
    "databricks": (_STANDARD, "table_schema", "table_schema = current_schema()"),
}
_ALIKE = {"redshift": "postgres"}
_OTHER = (_STANDARD, "table_schema", "1 = 1")


def columns(dialect: Dialect, parts: tuple[str, ...]) -> str:
    """The query for the table of that name: table, schema.table or catalog.schema.table."""
    text, schema, default = _BY_NAME.get(_ALIKE.get(dialect.name, dialect.name), _OTHER)
    owner = parts[-2] if len(parts) > 1 else ""
    where = f"lower({schema}) = lower({dialect.literal(owner)})" if owner else default
    return text.format(table=dialect.literal(parts[-1]), where=where, place=_place(dialect, parts))


def _place(dialect: Dialect, parts: tuple[str, ...]) -> str:
    """The information schema that knows the table: BigQuery has one per dataset."""
    if dialect.name == "bigquery":
        before = parts[:-1]
        return ".".join([*map(dialect.identifier, before), "INFORMATION_SCHEMA"])
    if len(parts) > 2:
        return f"{dialect.identifier(parts[-3])}.information_schema"
    return "INFORMATION_SCHEMA" if dialect.name == "mssql" else "information_schema"
