"""Seeds leave the tables that Bruin's users know, and lose nothing in silence."""

import datetime
import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from assets_parser.model import Column
from tests.support import warehouse
from tests.support.sources import seed, web, with_settings, write
from tests.support.tables import Target
from tests.support.targets import duckdb, server, target
from workers.errors import StepFailed

__all__ = ["duckdb", "server", "target"]

ID, V = Column(name="id", type="integer"), Column(name="v", type="varchar")


def test_a_csv_has_the_declared_types(target: Target) -> None:
    """And the next run replaces it."""
    write(target, "Id,V\n1,a\n2,\n")
    assert seed(target, path="people.csv", columns=(ID, V))["rows"] == 2
    write(target, "Id,V\n3,c\n")
    seed(target, path="people.csv", columns=(ID, V))
    assert target.rows(name="shop.people") == [(3, "c")]


def test_integers_and_moments_are_wide(duckdb: Target) -> None:
    """An INTEGER is a BIGINT, a TIMESTAMP has a zone, as Bruin makes them."""
    write(duckdb, "id,at,n\n1,2024-01-01 10:00:00,12.57\n")
    declared = (ID, Column(name="at", type="timestamp"), Column(name="n", type="numeric"))
    seed(duckdb, path="people.csv", columns=declared)
    types = list(duckdb.columns("shop.people").values())
    assert types == ["BIGINT", "TIMESTAMP WITH TIME ZONE", "DECIMAL(38,9)"]


def test_a_decimal_without_digits_keeps_its_fraction(target: Target) -> None:
    """ingestr alone would round it to a whole number."""
    write(target, "n\n12.57\n-0.5\n")
    seed(target, path="people.csv", columns=(Column(name="n", type="decimal"),))
    assert sorted(float(row[0]) for row in target.rows(name="shop.people")) == [-0.5, 12.57]


@pytest.mark.parametrize("name", ["people.json", "people.jsonl", "people.ndjson", "people.parquet"])
def test_other_formats_load_too(duckdb: Target, name: str) -> None:
    """By the file's extension."""
    rows = [{"id": 1, "v": "a"}, {"id": 2, "v": None}]
    text = json.dumps(rows) if name.endswith(".json") else "\n".join(map(json.dumps, rows))
    write(duckdb, text, name)
    if name.endswith("parquet"):
        parquet.write_table(pa.Table.from_pylist(rows), duckdb.folder / "assets" / name)
    seed(duckdb, path=name, columns=(ID, V))
    assert duckdb.rows(name="shop.people") == [(1, "a"), (2, None)]


def test_lists_of_a_parquet_file_are_kept(target: Target) -> None:
    """They are NULL in PostgreSQL and nonsense in SQLite with ingestr alone."""
    write(target, b"", "people.parquet")
    table = pa.table({"id": [1], "TagList": [["a", "b"]]})
    parquet.write_table(table, target.folder / "assets" / "people.parquet")
    seed(target, path="people.parquet", columns=(ID,))
    ((found,),) = target.rows("tag_list", "shop.people")
    assert str(found).replace(" ", "").replace("'", '"') == '["a","b"]'


def test_file_type_says_what_the_extension_does_not(duckdb: Target) -> None:
    """A CSV may have any name, also one that ingestr would take for a pattern."""
    write(duckdb, "id,v\n1,a\n", "peo ple?[1].data")
    seed(duckdb, path="peo ple?[1].data", file_type="csv", columns=(ID, V))
    assert duckdb.rows(name="shop.people") == [(1, "a")]


def test_a_bare_name_takes_the_schema_of_the_connection(
    tmp_path: Path, server: warehouse.Server
) -> None:
    """On PostgreSQL."""
    target = server.target(tmp_path)
    config = tmp_path / ".bruin.yml"
    config.write_text(config.read_text("utf-8").replace("{name: db", "{name: db, schema: own"))
    write(target, "id\n1\n")
    assert seed(target, "people", path="people.csv", columns=(ID,))["table"] == "own.people"
    assert target.rows(name="own.people") == [(1,)]


@pytest.mark.parametrize("bad", ["x", "1.5", "99999999999999999999", " 2 "])
def test_a_value_of_another_type_fails_before_the_table_is_touched(
    target: Target, bad: str
) -> None:
    """ingestr makes NULL, or another number, of it."""
    write(target, "id,v\n1,5\n")
    number = Column(name="v", type="integer")
    seed(target, path="people.csv", columns=(ID, number))
    write(target, f"id,v\n1,5\n2,{bad}\n")
    with pytest.raises(StepFailed, match=r"1 of column 'v'.*people\.csv"):
        seed(target, path="people.csv", columns=(ID, number))
    assert target.rows(name="shop.people") == [(1, 5)]


def test_words_for_no_value_are_null_and_said(target: Target) -> None:
    """Files of other programs write them where a number or a day is missing; texts keep them."""
    write(target, "id,day,v\n1,NA,NA\nNULL,2024-01-02,b\n\\N,N/A,None\n")
    done = seed(target, path="people.csv", columns=(ID, Column(name="day", type="date"), V))
    found = sorted(target.rows("id v day", "shop.people"), key=str)
    assert [row[:2] for row in found] == [(1, "NA"), (None, "None"), (None, "b")]
    assert [row[2] is None for row in found] == [True, True, False]
    said = "column 'id': 2 loaded as NULL (NULL, \\N)", "column 'day': 2 loaded as NULL (N/A, NA)"
    assert set(said) <= set(done["notices"])


def test_a_bad_value_of_json_fails_too(duckdb: Target) -> None:
    """Only ingestr reads it, so it is asked twice."""
    write(duckdb, '[{"id": 1}, {"id": "x"}]', "people.json")
    with pytest.raises(StepFailed, match="1 of column 'id'"):
        seed(duckdb, path="people.json", columns=(ID,))


def test_unusual_values_that_fit_are_loaded(duckdb: Target) -> None:
    """A day in another form, a whole number with a point."""
    write(duckdb, "id,d\n1.0,01/02/2024\n")
    seed(duckdb, path="people.csv", columns=(ID, Column(name="d", type="date")))
    assert duckdb.rows(name="shop.people") == [(1, datetime.date(2024, 1, 2))]


def test_enforce_schema_off_leaves_texts(duckdb: Target) -> None:
    """As the file has them."""
    write(duckdb, "id\nx\n")
    seed(duckdb, path="people.csv", columns=(ID,), enforce_schema=False)
    assert duckdb.rows(name="shop.people") == [("x",)]


@pytest.mark.parametrize("header", ["First Name,first_name", "a,a", "ID,Id"])
def test_columns_of_one_name_are_refused(duckdb: Target, header: str) -> None:
    """ingestr keeps the last of them."""
    write(duckdb, f"{header}\n1,2\n")
    with pytest.raises(StepFailed, match="would all be named"):
        seed(duckdb, path="people.csv")


def test_columns_of_one_name_are_refused_in_json(duckdb: Target) -> None:
    """Whatever the format."""
    write(duckdb, '[{"First Name": 1, "first_name": 2}]', "people.json")
    with pytest.raises(StepFailed, match="would all be named"):
        seed(duckdb, path="people.json")


def test_values_beyond_the_header_are_said(duckdb: Target) -> None:
    """They are not loaded, as with Bruin; a notice tells where."""
    write(duckdb, "id,v\n1,a\n2,b,c\n")
    (notice,) = seed(duckdb, path="people.csv", columns=(ID, V))["notices"]
    assert "the first is row 2" in notice


def test_repeated_keys_are_said(duckdb: Target) -> None:
    """A primary key keeps one row of each."""
    key = Column(name="id", type="integer", primary_key=True)
    write(duckdb, "id,v\n1,a\n1,b\n")
    (notice,) = seed(duckdb, path="people.csv", columns=(key, V))["notices"]
    assert "1 of 2 rows repeat the primary key id" in notice


def test_a_file_that_is_not_there_is_named(duckdb: Target) -> None:
    """With what its path is relative to."""
    with pytest.raises(StepFailed, match=r"nobody\.csv is not there") as failure:
        seed(duckdb, path="nobody.csv")
    assert "assets/people.asset.yml" in failure.value.hint


def test_a_file_outside_of_the_project_loads(duckdb: Target) -> None:
    """As with Bruin: paths may lead upwards."""
    (duckdb.folder.parent / "outside.csv").write_text("id\n1\n")
    seed(duckdb, path="../../outside.csv", columns=(ID,))
    assert duckdb.rows(name="shop.people") == [(1,)]


def test_a_path_that_begins_with_a_slash_is_beside_the_asset_too(duckdb: Target) -> None:
    """As Bruin joins it, and as validation looks for it."""
    write(duckdb, "id\n1\n")
    seed(duckdb, path="/people.csv", columns=(ID,))
    assert duckdb.rows(name="shop.people") == [(1,)]


def test_byte_order_marks_and_utf_16_are_read(duckdb: Target) -> None:
    """By us as by ingestr."""
    for encoding in ("utf-8-sig", "utf-16"):
        write(duckdb, "id,v\n1,ü\n".encode(encoding))
        seed(duckdb, path="people.csv", columns=(ID, V))
        assert duckdb.rows(name="shop.people") == [(1, "ü")]


def test_a_seed_of_the_web_loads(duckdb: Target) -> None:
    """Also behind a redirect; the log does not show what stands after the `?`."""
    write(duckdb, "id\n1\n")
    with web(duckdb.folder / "assets") as address:
        url = f"{address}/moved/people.csv?token=hunter2"
        seed(duckdb, path=url, columns=(ID,))
    assert duckdb.rows(name="shop.people") == [(1,)]
    assert "hunter2" not in "\n".join(duckdb.log.lines)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/nobody.csv", "404"),
        ("/short/people.csv", "ended after 5 of 1,000 bytes"),
        ("/page.csv", "a web page"),
        ("/away/people.csv", "not allowed"),
        ("/large.csv", "more than 1,000 bytes"),
    ],
)
def test_a_download_that_fails_says_why(duckdb: Target, path: str, words: str) -> None:
    """And there is no table, where ingestr would have ended with success."""
    write(duckdb, "<!DOCTYPE html><html></html>", "page.csv")
    write(duckdb, "id\n" + "1\n" * 1000, "large.csv")
    with_settings(duckdb, seed_max_bytes=1000)
    with (
        web(duckdb.folder / "assets") as address,
        pytest.raises(StepFailed, match=words) as failure,
    ):
        seed(duckdb, path=address + path)
    assert "hunter2" not in failure.value.message + failure.value.detail


def test_a_server_that_is_not_there_is_said(duckdb: Target) -> None:
    """The address is named, its secrets are not."""
    with pytest.raises(StepFailed, match="cannot fetch") as failure:
        seed(duckdb, path="http://user:hunter2@127.0.0.1:9/people.csv?token=hunter2")
    assert "hunter2" not in failure.value.message + failure.value.detail


def test_a_login_in_the_address_is_sent_and_not_carried_on_by_a_redirect(duckdb: Target) -> None:
    """As a header: an address with a login is none for Python."""
    write(duckdb, "id\n1\n")
    with web(duckdb.folder / "assets") as address:
        seed(duckdb, path=address.replace("//", "//user:p%40ss@") + "/login/people.csv")
    assert len(duckdb.rows(name="shop.people")) == 1


@pytest.mark.parametrize(
    "address", ["http://u:hunter2@[x/y.csv", "http://u:hunter2@h/a b.csv?token=hunter2"]
)
def test_an_address_that_is_none_is_not_shown(duckdb: Target, address: str) -> None:
    """Nor its secrets."""
    with pytest.raises(StepFailed, match="cannot fetch") as failure:
        seed(duckdb, path=address)
    assert "hunter2" not in failure.value.message + failure.value.detail


def test_a_seed_without_path_is_refused(duckdb: Target) -> None:
    """With the name of what is missing."""
    with pytest.raises(StepFailed, match=r"parameters\.path"):
        seed(duckdb)
