"""Addresses, read back with the libraries that their targets use."""

import base64
import json
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import make_url

from workers.connections import Connection
from workers.engine_urls import access
from workers.errors import StepFailed
from workers.uris import NoUri, ingestr_uri

HARD = "p@ss w/rd:?#[]%é&+'\"\\"


def made(kind: str, **fields: object) -> Connection:
    """A connection named c in the folder /project."""
    return Connection(name="c", type=kind, fields=fields, folder=Path("/project"))


def server(kind: str, **more: object) -> Connection:
    """A connection with a login that is hard to encode."""
    login = {"username": "u@x/y", "password": HARD, "host": "h.example", "database": "d/b é"}
    return made(kind, **{**login, **more})


def test_postgres_is_read_by_libpq_and_sqlalchemy() -> None:
    """Both find the same login, host, port and database."""
    uri = ingestr_uri(server("postgres", port=5433, ssl_mode="require", schema="s"))
    found = conninfo_to_dict(uri)
    assert found["user"] == "u@x/y"
    assert found["password"] == HARD
    assert (found["host"], found["port"], found["dbname"]) == ("h.example", "5433", "d/b é")
    assert found["sslmode"] == "require"
    url = make_url(uri)
    assert (url.username, url.password, url.port) == ("u@x/y", HARD, 5433)


def test_postgres_by_socket_and_by_ipv6() -> None:
    """A folder is the server's socket, colons are an address."""
    found = conninfo_to_dict(ingestr_uri(server("postgres", host="/var/run/pg")))
    assert (found["host"], found["port"]) == ("/var/run/pg", "5432")
    assert conninfo_to_dict(ingestr_uri(server("postgres", host="::1")))["host"] == "::1"


def test_postgres_for_our_own_queries() -> None:
    """The URL of SQLAlchemy survives being written and read."""
    url = access(server("postgres", port="5433", ssl_mode="require")).url
    assert url.drivername == "postgresql+psycopg"
    again = make_url(url.render_as_string(hide_password=False))
    assert (again.username, again.password, again.database) == ("u@x/y", HARD, "d/b é")
    assert again.query["sslmode"] == "require"
    assert HARD not in str(url)


@pytest.mark.parametrize(
    ("kind", "scheme", "port"),
    [
        ("redshift", "redshift", 5439),
        ("mysql", "mysql+pymysql", 3306),
        ("mssql", "mssql", 1433),
    ],
)
def test_servers_keep_their_login(kind: str, scheme: str, port: int) -> None:
    """Every part is percent-encoded once, and ports have their defaults."""
    url = make_url(ingestr_uri(server(kind)))
    assert (url.drivername, url.port, url.host) == (scheme, port, "h.example")
    assert (url.username, url.password) == ("u@x/y", HARD)
    assert unquote(url.database or "") == "d/b é"


def test_mssql_options() -> None:
    """The driver is given unless options replace it."""
    assert parse_qs(urlsplit(ingestr_uri(server("mssql"))).query) == {
        "TrustServerCertificate": ["yes"],
        "driver": ["ODBC Driver 18 for SQL Server"],
    }
    assert urlsplit(ingestr_uri(server("mssql", options="?encrypt=no"))).query == "encrypt=no"


def test_files_are_written_as_they_are() -> None:
    """ingestr decodes nothing: a percent sign is one. A `?` cannot be told from options."""
    assert ingestr_uri(made("duckdb", path="a b%20#.db")) == "duckdb:////project/a b%20#.db"
    assert ingestr_uri(made("sqlite", path="/x/y.db")) == "sqlite:////x/y.db"
    with pytest.raises(StepFailed, match="'\\?'"):
        ingestr_uri(made("sqlite", path="a?b.db"))
    assert access(made("duckdb", path="a b%20#?.db")).url.database == "/project/a b%20#?.db"


def test_motherduck() -> None:
    """The token is in the query."""
    parts = urlsplit(ingestr_uri(made("motherduck", token=HARD, database="shop")))
    assert (parts.scheme, parts.netloc) == ("motherduck", "shop")
    assert parse_qs(parts.query) == {"token": [HARD]}


def test_snowflake_with_password_and_with_key() -> None:
    """Without a password the key is sent."""
    uri = ingestr_uri(server("snowflake", account="acc-1", warehouse="w h", role="r"))
    url = make_url(uri)
    assert (url.host, url.password) == ("acc-1", HARD)
    assert dict(url.query) == {"warehouse": "w h", "role": "r"}
    keyed = make_url(ingestr_uri(server("snowflake", account="a", password="", private_key="K\nY")))
    assert keyed.query["private_key"] == "K\nY"


def test_bigquery() -> None:
    """The account's JSON travels in base64; the host's own credentials need none."""
    account = json.dumps({"private_key": "k"})
    made_ = made("google_cloud_platform", project_id="p-1", service_account_json=account)
    parts = urlsplit(ingestr_uri(made_))
    assert parts.netloc == "p-1"
    encoded = parse_qs(parts.query)["credentials_base64"][0]
    assert base64.b64decode(encoded).decode() == account
    own = made("google_cloud_platform", project_id="p-1", location="EU")
    assert ingestr_uri(own) == "bigquery://p-1?location=EU"
    with pytest.raises(StepFailed, match="access_token"):
        ingestr_uri(made("google_cloud_platform", access_token="t"))


def test_clickhouse_databricks_athena_trino() -> None:
    """Each has the parts that its reader asks for."""
    click = urlsplit(ingestr_uri(server("clickhouse", port=9440, secure=1, http_port=8443)))
    assert (click.port, parse_qs(click.query)) == (9440, {"http_port": ["8443"], "secure": ["1"]})
    bricks = urlsplit(ingestr_uri(made("databricks", token="t/1", host="h", path="/sql/1")))
    assert (bricks.username, unquote(bricks.password or "")) == ("token", "t/1")
    assert parse_qs(bricks.query)["http_path"] == ["/sql/1"]
    oauth = urlsplit(ingestr_uri(made("databricks", host="h", client_id="i", client_secret="s&")))
    assert parse_qs(oauth.query)["client_secret"] == ["s&"]
    athena = urlsplit(ingestr_uri(made("athena", secret_access_key="a+b/c", region="eu")))
    assert parse_qs(athena.query)["secret_access_key"] == ["a+b/c"]
    trino = make_url(ingestr_uri(server("trino", port=443, catalog="c 1")))
    assert (trino.port, unquote(trino.database or "")) == (443, "c 1")


def test_a_lake_is_flattened() -> None:
    """Nested settings become one query."""
    lake = {"catalog": {"type": "postgres", "auth": {"password": "x&y"}}, "storage": {"path": "s3"}}
    query = parse_qs(urlsplit(ingestr_uri(made("duckdb", path="x", lakehouse=lake))).query)
    assert query["catalog_auth_password"] == ["x&y"]
    assert query["storage_path"] == ["s3"]


def test_mysql_certificates_reach_the_loader() -> None:
    """The server's certificate is checked if its authority is named."""
    query = parse_qs(urlsplit(ingestr_uri(server("mysql", ssl_ca_path="/a b/ca.pem"))).query)
    assert query == {"ssl_ca": ["/a b/ca.pem"]}


def test_fabric_needs_an_identity_of_entra() -> None:
    """A service principal, or what the worker's host has; a password is none."""
    url = make_url(
        ingestr_uri(server("fabric", client_id="app", client_secret=HARD, tenant_id="t"))
    )
    assert (url.username, url.password, url.query["tenant_id"]) == ("app", HARD, "t")
    own = ingestr_uri(server("fabric", use_azure_default_credential=True))
    assert "fedauth=ActiveDirectoryDefault" in own
    with pytest.raises(StepFailed, match="client_id"):
        ingestr_uri(server("fabric"))


def test_oracle_by_service_or_by_sid() -> None:
    """The service's name stands in the query, a SID in the path."""
    by_service = make_url(ingestr_uri(server("oracle", service_name="s/x")))
    assert (by_service.port, by_service.query["service_name"]) == (1521, "s/x")
    assert make_url(ingestr_uri(server("oracle", sid="X"))).database == "X"


def test_types_without_an_address_say_which_have_one() -> None:
    """The error lists the types that can be loaded."""
    with pytest.raises(NoUri) as failure:
        ingestr_uri(made("slack", api_key="k"))
    assert "postgres" in failure.value.hint
    with pytest.raises(NoUri, match="queries"):
        access(made("slack"))
