"""How SQLAlchemy is told to reach each platform."""

from pathlib import Path

import pytest

from workers.connections import Connection
from workers.engine_urls import access
from workers.errors import StepFailed

HARD = "p@ss w/rd:?#[]%é&+'\"\\"


def made(kind: str, **fields: object) -> Connection:
    """A connection with a login that is hard to encode."""
    login = {"username": "u@x/y", "password": HARD, "host": "h.example", "database": "d"}
    return Connection(name="c", type=kind, fields={**login, **fields}, folder=Path("/project"))


@pytest.mark.parametrize(
    ("kind", "driver", "port"),
    [
        ("mysql", "mysql+pymysql", 3306),
        ("doris", "mysql+pymysql", 9030),
        ("clickhouse", "clickhousedb", 8123),
        ("mssql", "mssql+pyodbc", 1433),
        ("synapse", "mssql+pyodbc", 1433),
        ("trino", "trino", 8080),
        ("oracle", "oracle+oracledb", 1521),
        ("redshift", "postgresql+psycopg", 5439),
        ("snowflake", "snowflake", None),
    ],
)
def test_servers_get_login_and_usual_port(kind: str, driver: str, port: int | None) -> None:
    fields = {"account": "h.example"} if kind == "snowflake" else {}
    url = access(made(kind, **fields)).url
    assert (url.drivername, url.host, url.port) == (driver, "h.example", port)
    assert (url.username, url.password) == ("u@x/y", HARD)


def test_no_way_shows_its_password() -> None:
    for kind in ("mysql", "postgres", "snowflake", "databricks", "clickhouse", "mssql"):
        way = access(made(kind, token=HARD, account="a", path="/p"))
        assert HARD not in repr(way)
        assert HARD not in str(way.url)


def test_the_schema_of_postgres_is_where_bare_names_are_looked_up() -> None:
    way = access(made("postgres", schema="my sales,public", read_only=True))
    assert way.arguments["options"] == (
        "-c search_path=my\\ sales,public -c default_transaction_read_only=on"
    )
    assert "options" not in access(made("postgres")).arguments


def test_duckdb_writes_only_if_asked_and_allowed() -> None:
    asked = [(False, False), (True, False), (True, True)]
    modes = [
        access(made("duckdb", path="a.db", read_only=only), write=write).arguments["read_only"]
        for write, only in asked
    ]
    assert modes == [True, False, True]


def test_motherduck_gets_its_token_apart_from_the_address() -> None:
    for way in (
        access(made("motherduck", token="t0ken", database="house")),
        access(made("duckdb", token="t0ken", path="md:house")),
    ):
        assert way.url.database == "md:house"
        assert way.arguments["config"] == {"motherduck_token": "t0ken"}
        assert "t0ken" not in str(way.url)


def test_a_lakehouse_is_not_mistaken_for_an_empty_database() -> None:
    with pytest.raises(StepFailed, match="lakehouse"):
        access(made("duckdb", lakehouse={"format": "ducklake"}))


def test_mysql_gets_certificates_and_a_password_of_any_letters() -> None:
    way = access(made("mysql", ssl_ca_path="/ca.pem"), write=True)
    assert way.arguments["ssl_ca"] == "/ca.pem"
    assert way.arguments["password"] == HARD.encode()
    assert way.arguments["client_flag"] & 1 << 16


def test_clickhouse_is_asked_over_http() -> None:
    assert access(made("clickhouse", port=9000, secure=1)).url.port == 8443
    assert access(made("clickhouse", port=9000, http_port=18123)).url.port == 18123
    assert access(made("clickhouse", secure=1)).url.query["secure"] == "true"


def test_sql_server_options_and_service_principals() -> None:
    way = access(made("mssql", options="driver=FreeTDS&Encrypt=no"))
    assert way.url.query["driver"] == "FreeTDS"
    assert way.url.query["Encrypt"] == "no"
    fabric = access(made("fabric", client_id="app", client_secret=HARD))
    assert (fabric.url.username, fabric.url.password) == ("app", HARD)
    assert fabric.url.query["Authentication"] == "ActiveDirectoryServicePrincipal"


def test_cloud_platforms() -> None:
    snowflake = access(made("snowflake", account="acc", schema="s", role="r", token="t0ken"))
    assert (snowflake.url.host, snowflake.url.database) == ("acc", "d/s")
    assert snowflake.arguments["authenticator"] == "oauth"
    google = access(made("google_cloud_platform", project_id="p", service_account_json="{}"))
    assert (google.url.host, google.url.query["credentials_base64"]) == ("p", "e30=")
    bricks = access(made("databricks", token="t0ken", path="/sql/w", catalog="c"))
    assert (bricks.url.password, bricks.url.query["http_path"]) == ("t0ken", "/sql/w")
    athena = access(made("athena", region="eu-west-1", query_results_path="s3://b/"))
    assert athena.url.host == "athena.eu-west-1.amazonaws.com"
    assert athena.url.query["s3_staging_dir"] == "s3://b/"
    with pytest.raises(StepFailed, match="token"):
        access(made("databricks"))


def test_a_private_key_that_is_none_says_so() -> None:
    pytest.importorskip("cryptography")
    with pytest.raises(StepFailed, match="private key cannot be read"):
        access(made("snowflake", account="a", password="", private_key="no key"))


def test_a_missing_driver_is_named_with_what_to_install() -> None:
    """No environment of the tests has a driver for Databricks."""
    from workers.engines import opened

    with pytest.raises(StepFailed) as failure, opened(made("databricks", token="t", path="/p")):
        pass
    assert "no driver for databricks" in failure.value.message
    assert "bruin-fleet[databricks]" in failure.value.hint


def test_other_types_are_not_queried() -> None:
    with pytest.raises(StepFailed, match="slack"):
        access(made("slack"))
