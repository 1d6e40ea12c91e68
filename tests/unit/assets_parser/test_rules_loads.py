"""Rules about what loads and waits: ingestr assets, seeds, sensors."""

from pathlib import Path

import pytest

from tests.support.faults import said, said_of, yaml

_SOURCE = "parameters:\n  source_connection: src\n  source_table: items\n  destination: duckdb\n"
_STRATEGIES = "create+replace, append, merge, delete+insert, truncate+insert"


def _ingestr(more: str = "", parameters: str = "") -> str:
    return yaml("ingestr", _SOURCE + parameters + more)


def _table(more: str) -> str:
    return f"materialization: {{type: table, {more}}}\n"


def test_an_ingestr_asset_names_where_its_rows_come_from(tmp_path: Path) -> None:
    text = yaml("ingestr", "parameters:\n  destination: duckdb\n")
    assert said_of(tmp_path, "b.asset.yml", text) == [
        "3:1 error valid-ingestr there is no 'source_connection' and 'source_table' (an ingestr "
        "asset needs the parameters source_connection, source_table, destination)"
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            _ingestr("materialization: {type: view}\n"),
            "7:25 error valid-ingestr an ingestr asset cannot be a 'view' (write: type: table)",
        ),
        (
            _ingestr(_table("strategy: ddl")),
            "7:41 error valid-ingestr 'ddl' is not a strategy that ingestr assets have "
            f"(there are {_STRATEGIES})",
        ),
        (
            _ingestr("", "  incremental_strategy: upsert\n"),
            "7:25 error valid-ingestr 'upsert' is not a strategy that ingestr assets have "
            "(there are replace, append, merge, delete+insert, truncate+insert, scd2, none)",
        ),
        (
            _ingestr(_table("strategy: append"), "  incremental_strategy: merge\n"),
            "8:1 error valid-ingestr 'incremental_strategy' is 'merge' in parameters and 'append' "
            "in materialization (say it once, in materialization)",
        ),
        (
            _ingestr(_table("strategy: create+replace, incremental_key: at")),
            "7:59 error valid-ingestr 'incremental_key' is not used by strategy 'replace' "
            "(it belongs to append, merge, delete+insert)",
        ),
        (
            _ingestr(_table("strategy: merge")),
            "7:41 error valid-ingestr strategy 'merge' needs a primary key "
            "(mark the columns that identify a row with 'primary_key: true')",
        ),
        (
            _ingestr(_table("strategy: append"), '  cdc: "true"\n'),
            "7:3 error valid-ingestr change data capture needs strategy 'merge', not 'append'",
        ),
        (
            _ingestr("", "  cdc_sql_capture: other\n"),
            "7:20 error valid-ingestr 'other' is not a cdc_sql_capture "
            "(write cdc or change_tracking)",
        ),
        (
            _ingestr("", "  cdc_mode: never\n"),
            "7:13 error valid-ingestr 'never' is not a cdc_mode (write stream or batch)",
        ),
        (
            _ingestr("", "  cdc_mode: batch\n"),
            "7:3 warning ingestr-cdc-mode-deprecated 'cdc_mode' is out of date "
            "(write stream: true, or leave it out)",
        ),
        (
            _ingestr("", "  version: 1.2\n"),
            "7:12 error valid-ingestr '1.2' is not a version of ingestr (write v1 or v1.2.3)",
        ),
        (
            _ingestr("columns: [{name: v, update_on_merge: true}]\n"),
            "7:11 error valid-ingestr 'update_on_merge' of 'v' does not work for ingestr assets "
            "(all columns are updated)",
        ),
    ],
)
def test_an_ingestr_asset_that_cannot_be_is_said(tmp_path: Path, text: str, line: str) -> None:
    found = said_of(tmp_path, "b.asset.yml", text)
    others = [one for one in found if "endless-ingestr" not in one]
    assert [_without_column(one) for one in others] == [_without_column(line)]


@pytest.mark.parametrize("name", ["stream", "cdc", "cdc_mode"])
def test_an_ingestr_asset_without_an_end_is_said(tmp_path: Path, name: str) -> None:
    value = "stream" if name == "cdc_mode" else "true"
    found = said_of(tmp_path, "b.asset.yml", _ingestr("columns: []\n", f"  {name}: {value}\n"))
    warning = (
        f"7:3 warning endless-ingestr '{name}' asks for changes without an end, which cannot run: "
        "a step has an end (load the table with merge or delete+insert, or stream with `bruin run`)"
    )
    assert warning in found


def _without_column(line: str) -> str:
    place, _, rest = line.partition(" ")
    return f"{place.partition(':')[0]} {rest}"


@pytest.mark.parametrize(
    "text",
    [
        _ingestr(),
        _ingestr("", "  stream: false\n"),
        _ingestr(_table("strategy: append"), "  incremental_strategy: append\n"),
        _ingestr("", "  incremental_strategy: '{{ var.how }}'\n  version: v1\n"),
        _ingestr(_table("cluster_by: [a, b]"), "  cluster_by: a, b\n"),
    ],
)
def test_an_ingestr_asset_that_can_be_is_fine(tmp_path: Path, text: str) -> None:
    assert said_of(tmp_path, "b.asset.yml", text) == []


def _seed(
    tmp_path: Path, more: str, rows: str = "id,Name\n1,a\n", file: str = "x.csv"
) -> list[str]:
    text = yaml("duckdb.seed", more)
    return said(tmp_path, {"assets/b.asset.yml": text, f"assets/{file}": rows})


def test_a_seed_names_a_file_that_is_there(tmp_path: Path) -> None:
    assert _seed(tmp_path, "") == [
        "assets/b.asset.yml:1:1 error assets-seed-validation the seed names no file "
        "(add: parameters: {path: FILE}, relative to this file)"
    ]
    assert _seed(tmp_path, "parameters: {path: y.csv}\n") == [
        "assets/b.asset.yml:3:20 error assets-seed-validation there is no file 'y.csv' "
        "(the path is relative to this file)"
    ]


def test_a_seed_has_the_columns_that_it_declares(tmp_path: Path) -> None:
    columns = "columns:\n  - {name: ID}\n  - {name: nam}\n"
    assert _seed(tmp_path, "parameters: {path: x.csv}\n" + columns) == [
        "assets/b.asset.yml:6:12 error assets-seed-validation column 'nam' is not in the header "
        "of x.csv (did you mean 'Name'?)"
    ]


def test_a_column_of_a_seed_may_have_another_name_in_the_file(tmp_path: Path) -> None:
    path = "parameters: {path: x.csv}\n"
    assert _seed(tmp_path, path + "columns: [{name: who, source_column: name}]\n") == []
    columns = "columns: [{name: who, source_column: nam}, {name: other}]\n"
    assert len(_seed(tmp_path, path + columns, "id,Name,\n1,a,\n")) == 2


def test_only_the_header_of_csv_is_read(tmp_path: Path) -> None:
    columns = "columns: [{name: other}]\n"
    assert _seed(tmp_path, "parameters: {path: x.json}\n" + columns, file="x.json") == []
    assert _seed(tmp_path, "parameters: {path: 'https://a.io/x.csv'}\n" + columns) == []
    assert _seed(tmp_path, "parameters: {path: '{{ var.x }}'}\n" + columns) == []
    assert len(_seed(tmp_path, "parameters: {path: x.dat}\n" + columns, file="x.dat")) == 1


def test_a_header_may_have_a_mark_quotes_and_blank_lines(tmp_path: Path) -> None:
    more = 'parameters: {path: x.csv}\ncolumns: [{name: "a,b"}, {name: c}]\n'
    assert _seed(tmp_path, more, '\ufeff\n"a,b",C\r\n1,2\r\n') == []


def test_a_header_without_end_is_not_read(tmp_path: Path) -> None:
    (found,) = _seed(tmp_path, "parameters: {path: x.csv}\n", "a," * 600_000)
    assert "the header of 'x.csv' cannot be read: its line is longer than 1000000" in found


def test_a_seed_is_loaded_as_it_is(tmp_path: Path) -> None:
    assert _seed(tmp_path, "parameters: {path: x.csv}\nmaterialization: {type: table}\n") == [
        "assets/b.asset.yml:4:1 error assets-seed-validation a seed has no materialization: "
        "it always replaces its table"
    ]
    assert _seed(tmp_path, "parameters: {path: x.csv, file_type: cvs}\n") == [
        "assets/b.asset.yml:3:38 error assets-seed-validation 'cvs' is not a type of file that "
        "seeds have (did you mean 'csv'?)"
    ]


@pytest.mark.parametrize(
    ("kind", "parameters", "line"),
    [
        (
            "duckdb.sensor.query",
            "",
            "1:1 error valid-query-sensor the sensor has no query "
            "(add: parameters: {query: ...}; it passes when the result is above 0)",
        ),
        (
            "bq.sensor.query",
            "query: ''",
            "3:1 error valid-bigquery-query-sensor the sensor has no query "
            "(add: parameters: {query: ...}; it passes when the result is above 0)",
        ),
        (
            "pg.sensor.table",
            "",
            "1:1 error valid-table-sensor-table the sensor names no table "
            "(add: parameters: {table: ...})",
        ),
        (
            "pg.sensor.table",
            "table: a.b.c",
            "3:21 error valid-table-sensor-table 'a.b.c' is not a table of postgres: it has 3 parts"
            " (write table or schema.table)",
        ),
        (
            "duckdb.sensor.query",
            "query: select 1, timeout: 1h30m",
            "3:40 error valid-sensor-timeout '1h30m' is not a timeout that sensors have "
            "(write a number and one unit of s m h d ms ns, such as 30m)",
        ),
        (
            "duckdb.sensor.query",
            "query: select 1, poke_interval: often",
            "3:46 warning valid-sensor-poke poke_interval 'often' is not a number of seconds; "
            "30 is taken",
        ),
    ],
)
def test_a_sensor_that_cannot_wait_is_said(
    tmp_path: Path, kind: str, parameters: str, line: str
) -> None:
    more = f"parameters: {{{parameters}}}\n" if parameters else ""
    assert said_of(tmp_path, "b.asset.yml", yaml(kind, more)) == [line]


def test_a_sensor_that_can_wait_is_fine(tmp_path: Path) -> None:
    more = "parameters: {query: select 1, timeout: 3s, poke_interval: 1}\n"
    assert said_of(tmp_path, "b.asset.yml", yaml("duckdb.sensor.query", more)) == []


def test_an_emr_job_names_what_it_runs(tmp_path: Path) -> None:
    more = "parameters: {timeout: 1m, execution_role: me, logs: 'file:///x'}\n"
    found = said_of(tmp_path, "b.asset.yml", yaml("emr_serverless.spark", more))
    assert [line.partition("emr-serverless-spark-validation ")[2] for line in found] == [
        "there is no 'entrypoint' (add: parameters: {entrypoint: s3://...})",
        "'1m' is not a value of 'timeout' (write 5m or more, or 0 for none)",
        "'me' is not a value of 'execution_role' (write an Amazon Resource Name: arn:aws:iam::...)",
        "'file:///x' is not a value of 'logs' (write s3://bucket/path)",
    ]
