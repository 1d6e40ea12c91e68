"""Rules about SQL assets: each with its message, its line and its hint."""

from pathlib import Path

import pytest

from tests.support.faults import said, said_of, sql, yaml

_COLUMNS = "columns: [{name: id, primary_key: true}]"
_KEYED = "delete+insert, time_interval, scd2_by_time, scd2_by_column"


def _table(more: str) -> str:
    return f"materialization:\n  type: table\n  {more}"


@pytest.mark.parametrize(
    ("header", "line"),
    [
        (
            "materialization: {type: tabel}",
            "4:25 error materialization-config 'tabel' is not a materialization "
            "(did you mean 'table'?)",
        ),
        (
            _table("strategy: mege"),
            "6:13 error materialization-config 'mege' is not a strategy (did you mean 'merge'?)",
        ),
        (
            "materialization:\n  type: view\n  strategy: append",
            "6:3 error materialization-config a view has no 'strategy' "
            "(take it out, or write: type: table)",
        ),
        (
            "materialization:\n  type: view\n  partition_by: id",
            "6:3 error materialization-config a view has no 'partition_by' "
            "(take it out, or write: type: table)",
        ),
        (
            _table("strategy: delete+insert"),
            "6:13 error materialization-config strategy 'delete+insert' needs an incremental_key "
            "(name the column that tells old rows from new)",
        ),
        (
            _table("strategy: merge"),
            "6:13 error materialization-config strategy 'merge' needs columns "
            "(declare them, and 'primary_key: true' on one at least)",
        ),
        (
            _table("strategy: merge") + "\ncolumns: [{name: id}]",
            "6:13 error materialization-config strategy 'merge' needs a primary key "
            "(mark the columns that identify a row with 'primary_key: true')",
        ),
        (
            _table("strategy: append\n  incremental_key: id"),
            "7:3 error materialization-config 'incremental_key' is not used by strategy 'append' "
            f"(it belongs to {_KEYED})",
        ),
        (
            _table("incremental_key: id"),
            "6:3 warning materialization-config 'incremental_key' is not used by a table without "
            f"a strategy (it belongs to {_KEYED})",
        ),
        (
            _table("strategy: append\n  incremental_predicate: id > 1"),
            "7:3 error materialization-config 'incremental_predicate' is not used by strategy "
            "'append' (it belongs to merge)",
        ),
        (
            _table("strategy: time_interval\n  incremental_key: id"),
            "6:13 error materialization-config strategy 'time_interval' needs a time_granularity "
            "(write date or timestamp)",
        ),
        (
            _table("strategy: time_interval\n  incremental_key: id\n  time_granularity: hour"),
            "8:21 error materialization-config 'hour' is not a granularity "
            "(write date or timestamp)",
        ),
        (
            _table("strategy: scd2_by_column"),
            "6:13 error materialization-config strategy 'scd2_by_column' needs a primary key "
            "(mark the columns that identify a row with 'primary_key: true')",
        ),
        (
            _table("strategy: scd2_by_time\n") + _COLUMNS,
            "6:13 error materialization-config strategy 'scd2_by_time' needs an incremental_key "
            "(name the column that tells old rows from new)",
        ),
        (
            _table("strategy: ddl\n") + _COLUMNS,
            "6:13 error materialization-config strategy 'ddl' makes the table from its columns and "
            "takes no query (take the query out, or choose another strategy)",
        ),
        (
            "materialization: {strategy: append}",
            "4:29 warning materialization-config strategy 'append' has no effect without a type; "
            "the query only runs (add: type: table)",
        ),
    ],
)
def test_a_materialization_that_cannot_be_is_said(tmp_path: Path, header: str, line: str) -> None:
    assert said_of(tmp_path, "b.sql", sql(header)) == [line]


@pytest.mark.parametrize(
    "header",
    [
        "materialization: {type: view}",
        _table("strategy: create+replace"),
        _table("strategy: truncate+insert"),
        _table("strategy: merge\n  incremental_predicate: id > 1\n") + _COLUMNS,
        _table("strategy: scd2_by_column\n") + _COLUMNS,
        _table("strategy: time_interval\n  incremental_key: d\n  time_granularity: date"),
    ],
)
def test_a_materialization_that_can_be_is_fine(tmp_path: Path, header: str) -> None:
    assert said_of(tmp_path, "b.sql", sql(header)) == []


def test_a_table_made_from_columns_needs_some(tmp_path: Path) -> None:
    found = said_of(tmp_path, "b.sql", sql(_table("strategy: ddl"), ""))
    assert found == [
        "6:13 warning materialization-config strategy 'ddl' without columns makes no table "
        "(declare its columns)"
    ]


def test_a_data_vault_names_the_columns_that_it_lacks(tmp_path: Path) -> None:
    columns = "columns: [{name: order_hk, type: text}, {name: load_dts, type: timestamp}]"
    found = said_of(tmp_path, "b.sql", sql(_table("strategy: datavault_hub\n") + columns))
    assert found == [
        "6:13 error materialization-config strategy 'datavault_hub' needs a business key column "
        "(name it *_bk, or write: meta: {datavault_role: business_key})",
        "6:13 error materialization-config strategy 'datavault_hub' needs a record source column "
        "(name it record_source, or write: meta: {datavault_role: record_source})",
    ]


def test_a_link_needs_a_key_beside_its_own(tmp_path: Path) -> None:
    names = ("link_hk", "load_dts", "record_source")
    columns = f"columns: [{', '.join(f'{{name: {name}, type: text}}' for name in names)}]"
    (found,) = said_of(tmp_path, "b.sql", sql(_table("strategy: datavault_link\n") + columns))
    assert "needs a hash key column of what it links" in found


@pytest.mark.parametrize(
    ("name", "kind", "why"),
    [
        ("a.b.c", "pg.sql", "postgres: it has 3 parts (write table or schema.table)"),
        (
            "b",
            "bq.sql",
            "google_cloud_platform: it has 1 part (write schema.table or catalog.schema.table)",
        ),
        (
            "a..b",
            "duckdb.sql",
            "duckdb: a part of it is empty (write table or schema.table or catalog.schema.table)",
        ),
    ],
)
def test_a_name_that_the_platform_cannot_have_is_refused(
    tmp_path: Path, name: str, kind: str, why: str
) -> None:
    text = sql("").replace("name: a.b", f"name: {name}").replace("duckdb.sql", kind)
    assert said_of(tmp_path, "b.sql", text) == [
        f"2:7 error asset-name-component-count '{name}' is not a name for a table of {why}"
    ]


def test_a_python_asset_may_have_any_number_of_parts(tmp_path: Path) -> None:
    assert said_of(tmp_path, "b.py", '"""@bruin\nname: a.b.c.d\n@bruin"""\n') == []


def test_hooks_belong_to_sql(tmp_path: Path) -> None:
    hooks = "hooks: {pre: [{query: select 1}]}"
    script = f'"""@bruin\nname: a.b\n{hooks}\n@bruin"""\n'
    assert said_of(tmp_path, "b.py", script) == [
        "3:1 error script-hooks-unsupported hooks do not run for assets of type 'python' "
        "(run the queries in the asset's own code)"
    ]
    (tmp_path / "assets/b.py").unlink()
    sensor = yaml("duckdb.sensor.query", f"parameters: {{query: select 1}}\n{hooks}\n")
    assert said_of(tmp_path, "b.asset.yml", sensor) == [
        "4:1 warning hooks-ignored hooks have no effect on assets of type 'duckdb.sensor.query' "
        "(put the queries into a SQL asset)"
    ]


def test_hooks_of_an_asset_choose_no_types(tmp_path: Path) -> None:
    header = "hooks:\n  pre: [{query: select 1}]\n  applicable_type: [duckdb.sql]"
    assert said_of(tmp_path, "b.sql", sql(header)) == [
        "6:3 warning asset-hooks-applicable-type-ignored 'applicable_type' has no effect here: "
        "it tells who inherits default hooks (take it out, or put the hooks under 'default:' of "
        "the pipeline)"
    ]


def test_hooks_of_the_pipeline_choose_sql_types(tmp_path: Path) -> None:
    pipeline = "name: shop\ndefault:\n  hooks:\n    applicable_type: [duckdb.sq]\n"
    assert said(tmp_path, {"pipeline.yml": pipeline, "assets/b.sql": sql("")}) == [
        "pipeline.yml:4:23 error default-hooks-applicable-types 'duckdb.sq' is not a type of SQL "
        "asset, and only those have hooks (did you mean 'duckdb.sql'?)"
    ]


def test_a_body_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert said_of(tmp_path, "b.asset.yml", yaml("python")) == [
        "1:1 error valid-executable-file the asset names no file to run "
        "(add: run: FILE, beside this file)"
    ]


def test_an_empty_file_is_not_run(tmp_path: Path) -> None:
    files = {"assets/b.asset.yml": yaml("python", "run: b.txt\n"), "assets/b.txt": "\n"}
    assert said(tmp_path, files) == [
        "assets/b.asset.yml:3:1 error valid-executable-file the file 'assets/b.txt' is empty "
        "(it holds what the asset runs)"
    ]


def test_a_file_may_have_an_x_bit(tmp_path: Path) -> None:
    files = {"assets/b.asset.yml": yaml("python", "run: b.txt\n"), "assets/b.txt": "x = 1\n"}
    said(tmp_path, files)
    (tmp_path / "assets/b.txt").chmod(0o755)
    assert said(tmp_path, files) == []


def test_a_query_that_is_not_there_is_warned_about(tmp_path: Path) -> None:
    assert said_of(tmp_path, "b.sql", sql("", "")) == [
        "2:1 warning valid-executable-file the asset has no query and will fail "
        "(write it below the header)"
    ]


def test_a_check_does_not_block_the_table_that_it_reads(tmp_path: Path) -> None:
    key = "{name: c, foreign_key: {table: a.c, column: id}, checks: [{name: relationships}]}"
    below = sql("depends: [a.b]", "select 1 as id").replace("name: a.b", "name: a.c", 1)
    files = {"assets/b.sql": sql(f"columns:\n  - {key}"), "assets/c.sql": below}
    assert said(tmp_path, files) == [
        "assets/b.sql:5:12 warning blocking-relationships-check-references-downstream the check "
        "of 'c' blocks 'a.c', whose table it reads (write 'blocking: false' for the check, or "
        "move it to the other asset)"
    ]
    files["assets/b.sql"] = files["assets/b.sql"].replace(
        "{name: relationships}", "{name: relationships, blocking: false}"
    )
    assert said(tmp_path, files) == []


def test_options_of_bigquery_need_partitions(tmp_path: Path) -> None:
    header = "materialization: {type: table}\nbigquery:\n  partition_expiration_days: 0\n"
    header += "  require_partition_filter: true"
    found = said_of(tmp_path, "b.sql", sql(header).replace("duckdb.sql", "bq.sql"))
    assert found == [
        "6:3 error bigquery-table-options partition_expiration_days must be above 0, it is 0",
        "7:3 error bigquery-table-options 'require_partition_filter' needs a partitioned table "
        "(add partition_by)",
    ]


def test_a_foreign_key_names_a_table_and_a_column(tmp_path: Path) -> None:
    header = "columns:\n  - {name: c, foreign_key: {table: a.b}}"
    assert said_of(tmp_path, "b.sql", sql(header)) == [
        "5:12 error valid-column-metadata the foreign key of 'c' has no column "
        "(write: foreign_key: {table: ..., column: ...})"
    ]
