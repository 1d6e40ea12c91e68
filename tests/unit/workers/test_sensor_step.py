"""What a table sensor asks each engine; its names are hostile input."""

import pytest

from workers.errors import StepFailed
from workers.sensor_step import _table_query


@pytest.mark.parametrize(
    ("engine", "parts"),
    [
        ("postgres", ["pg_tables", "schemaname = 'raw'", "tablename = 'src'"]),
        ("mysql", ["table_schema = 'raw'", "table_name = 'src'", "'BASE TABLE'"]),
        ("clickhouse", ["system.tables", "database = 'raw'", "NOT LIKE '%View'"]),
        ("snowflake", ["information_schema.tables", "table_schema = 'raw'"]),
    ],
)
def test_tables_are_counted_and_no_views(engine: str, parts: list[str]) -> None:
    query = _table_query("raw.src", engine)
    assert all(part in query for part in parts), query


@pytest.mark.parametrize(
    ("engine", "where"),
    [("postgres", "'public'"), ("mysql", "DATABASE()"), ("clickhouse", "currentDatabase()")],
)
def test_a_bare_name_is_where_the_engine_looks_first(engine: str, where: str) -> None:
    assert f"= {where}" in _table_query("src", engine)


@pytest.mark.parametrize(
    ("engine", "literal"), [("postgres", "'it''s\\'"), ("mysql", "'it''s\\\\'")]
)
def test_quotes_and_backslashes_stay_inside_the_literal(engine: str, literal: str) -> None:
    assert literal in _table_query("raw.it's\\", engine)


def test_too_many_parts_are_refused() -> None:
    with pytest.raises(StepFailed, match=r"is no SCHEMA\.TABLE"):
        _table_query("a.b.c", "postgres")
