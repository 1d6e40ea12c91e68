"""ddl: an empty table from the declared columns, where there is none. Pure."""

from assets_parser.model import Column
from workers.sql.names import table_parts
from workers.sql.scripts import BadAsset, Script
from workers.sql.strategies.target import Target


def ddl(target: Target) -> Script:
    """A table that exists is left alone, but for the comments on its columns."""
    columns, comments = target.spec.columns, []
    lines = []
    if target.keys:
        lines.append(f"PRIMARY KEY ({target.quoted(tuple(key.name for key in target.keys))})")
    lines += [_reference(target, column) for column in columns if _refers(column)]
    made = target.run(table(target, *lines))
    if not target.platform.comments_inside:
        comments = [_comment(target, column) for column in columns if column.description]
    return Script(main=(made, *map(target.run, comments)), atomic=True)


def table(target: Target, *constraints: str) -> str:
    """CREATE TABLE with the declared columns, and what is given behind them."""
    if not target.spec.columns:
        raise BadAsset("strategy ddl needs `columns`")
    lines = [_column(target, column) for column in target.spec.columns]
    inside = ",\n  ".join([*lines, *constraints])
    return f"CREATE TABLE IF NOT EXISTS {target.table} (\n  {inside}\n)"


def type_of(column: Column) -> str:
    """The column's type with its size, unless the type names one itself."""
    kind = column.type.strip()
    if "(" in kind:
        return kind
    sizes = [column.length] if column.length is not None else [column.precision, column.scale]
    written = ", ".join(str(size) for size in sizes if size is not None)
    return f"{kind}({written})" if written and sizes[0] is not None else kind


def _column(target: Target, column: Column) -> str:
    if not column.type.strip():
        raise BadAsset(f"strategy ddl needs a type for column {column.name!r}")
    dialect = target.platform.dialect
    parts = [dialect.identifier(column.name), type_of(column)]
    if column.collation:
        parts.append(f"COLLATE {dialect.identifier(column.collation)}")
    if column.default:
        parts.append(f"DEFAULT {column.default}")
    if not column.nullable:
        parts.append("NOT NULL")
    if column.description and target.platform.comments_inside:
        parts.append(f"COMMENT {dialect.literal(column.description)}")
    return " ".join(parts)


def _refers(column: Column) -> bool:
    return bool(column.foreign_key and column.foreign_key.table and column.foreign_key.column)


def _reference(target: Target, column: Column) -> str:
    key, dialect = column.foreign_key, target.platform.dialect
    assert key is not None
    table = dialect.table(table_parts(key.table))
    return (
        f"FOREIGN KEY ({dialect.identifier(column.name)}) "
        f"REFERENCES {table} ({dialect.identifier(key.column)})"
    )


def _comment(target: Target, column: Column) -> str:
    dialect = target.platform.dialect
    name = f"{target.table}.{dialect.identifier(column.name)}"
    return f"COMMENT ON COLUMN {name} IS {dialect.literal(column.description)}"
