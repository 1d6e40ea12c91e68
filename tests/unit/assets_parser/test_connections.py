"""Which connection an asset uses."""

import pytest

from assets_parser.connections import connection_of, platform_of
from assets_parser.model import Asset, Pipeline


def asset(kind: str, connection: str = "", **parameters: str) -> Asset:
    """An asset of that type."""
    return Asset(name="a", type=kind, path="a", connection=connection, parameters=parameters)


def pipeline(*others: Asset, **defaults: str) -> Pipeline:
    """A pipeline of these assets with these default connections."""
    return Pipeline(name="p", root="/", path="p", assets=others, default_connections=defaults)


def test_its_own_connection_wins() -> None:
    assert connection_of(asset("python", "mine"), pipeline(postgres="pg")) == "mine"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("pg.sql", "postgres-default"),
        ("bq.sql", "gcp-default"),
        ("sf.sensor.query", "snowflake-default"),
        ("duckdb.seed", "duckdb-default"),
        ("s3.sensor.key_sensor", "aws-default"),
        ("fw.sql", "fabric-default"),
        ("", ""),
    ],
)
def test_the_type_gives_the_default_name(kind: str, name: str) -> None:
    assert connection_of(asset(kind), pipeline()) == name


def test_the_pipelines_default_is_taken_by_platform() -> None:
    assert connection_of(asset("pg.sql"), pipeline(postgres="main")) == "main"
    assert connection_of(asset("mongo.source"), pipeline(mongo_atlas="atlas")) == "atlas"


def test_python_takes_the_platform_of_most_sql_assets() -> None:
    sql = [asset("duckdb.sql"), asset("duckdb.sql"), asset("pg.sql")]
    assert connection_of(asset("python"), pipeline(*sql, duckdb="db")) == "db"
    assert platform_of(asset("empty"), pipeline(*sql)) == "duckdb"


def test_ingestr_counts_by_its_destination() -> None:
    load = asset("ingestr", destination="postgres")
    others = pipeline(load, load, asset("duckdb.sql"))
    assert platform_of(asset("python"), others) == "postgres"
    assert connection_of(load, others) == "postgres-default"
    assert connection_of(asset("ingestr", destination="gsheets"), others) == "google-sheets-default"
    assert connection_of(asset("ingestr", destination_connection="x"), others) == "x"


def test_without_sql_assets_python_takes_the_one_sql_platform_that_has_a_default() -> None:
    assert connection_of(asset("python"), pipeline(postgres="pg", slack="ops")) == "pg"
    assert connection_of(asset("python"), pipeline(postgres="pg", duckdb="db")) == "gcp-default"


def test_a_tie_and_a_pipeline_without_sql_are_googles() -> None:
    assert connection_of(asset("python"), pipeline()) == "gcp-default"
    assert (
        connection_of(asset("python"), pipeline(asset("pg.sql"), asset("my.sql"))) == "gcp-default"
    )
