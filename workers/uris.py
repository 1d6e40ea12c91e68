"""Addresses of connections for ingestr. Called by the steps that load; workers.engine_urls has
those for queries of our own.

An address holds the password: it goes into an environment variable, never on a command line.
"""

import base64
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode

from workers.connections import Connection
from workers.errors import StepFailed

_MSSQL_OPTIONS = {"TrustServerCertificate": "yes", "driver": "ODBC Driver 18 for SQL Server"}


class NoUri(StepFailed):
    """The connection's type is no place that ingestr or a query can go to."""

    def __init__(self, connection: Connection, purpose: str, known: list[str]) -> None:
        super().__init__(
            "config",
            f"connection {connection.name!r} is of type {connection.type!r}: {purpose}",
            hint=f"types that can: {', '.join(sorted(known))}",
        )


def ingestr_uri(connection: Connection) -> str:
    """The address that ingestr reads or writes; NoUri if the type has none."""
    build = _INGESTR.get(connection.type)
    if build is None:
        raise NoUri(connection, "a table cannot be loaded there", list(_INGESTR))
    return build(connection)


def _login(connection: Connection) -> str:
    """`user:password@`, each part percent-encoded; empty without a user."""
    user, password = connection.text("username"), connection.text("password")
    if not user and not password:
        return ""
    return f"{quote(user, safe='')}{':' + quote(password, safe='') if password else ''}@"


def _host(connection: Connection, port: int = 0) -> str:
    host = connection.text("host")
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"  # an IPv6 address
    number = connection.number("port", port)
    return f"{host}:{number}" if number else host


def query_of(values: Mapping[str, str]) -> str:
    """The query of an address, of what has a value."""
    kept = {key: value for key, value in values.items() if value}
    return f"?{urlencode(kept)}" if kept else ""


def _part(connection: Connection, key: str) -> str:
    return quote(connection.text(key), safe="")


def _server(scheme: str, port: int) -> Callable[[Connection], str]:
    def build(connection: Connection) -> str:
        where = f"{_login(connection)}{_host(connection, port)}"
        return f"{scheme}://{where}/{_part(connection, 'database')}"

    return build


def _postgres(connection: Connection) -> str:
    query = {"sslmode": connection.text("ssl_mode")}
    database = _part(connection, "database")
    if connection.text("host").startswith("/"):  # a folder with the server's socket
        query |= {"host": connection.text("host"), "port": connection.text("port", "5432")}
        return f"postgresql://{_login(connection)}/{database}{query_of(query)}"
    where = f"{_login(connection)}{_host(connection, 5432)}"
    return f"postgresql://{where}/{database}{query_of(query)}"


def _mysql(connection: Connection) -> str:
    scheme = f"mysql+{connection.text('driver', 'pymysql')}"
    files = {f"ssl_{part}": connection.text(f"ssl_{part}_path") for part in ("ca", "cert", "key")}
    return _server(scheme, 3306)(connection) + query_of(files)


def _mssql(connection: Connection) -> str:
    options = connection.text("options").lstrip("?")
    query = f"?{options}" if options else query_of(_MSSQL_OPTIONS)
    return _server("mssql", 1433)(connection) + query


def _fabric(connection: Connection) -> str:
    """Fabric knows Microsoft Entra ID only: a service principal, or what the host has."""
    client, secret = connection.text("client_id"), connection.text("client_secret")
    if not client and connection.text("use_azure_default_credential") != "true":
        raise StepFailed(
            "config",
            f"connection {connection.name!r}: loads into Fabric need client_id, client_secret and "
            "tenant_id, or use_azure_default_credential",
        )
    login = f"{quote(client, safe='')}{':' + quote(secret, safe='') if secret else ''}@"
    query = {"tenant_id": connection.text("tenant_id")}
    if not client:
        login, query = "", {"fedauth": "ActiveDirectoryDefault"}
    where = f"{login}{_host(connection, 1433)}"
    return f"fabric://{where}/{_part(connection, 'database')}{query_of(query)}"


def _oracle(connection: Connection) -> str:
    where = f"{_login(connection)}{_host(connection, 1521)}"
    service = {"service_name": connection.text("service_name")}
    if not any(service.values()):
        return f"oracle+cx_oracle://{where}/{_part(connection, 'sid')}"
    return f"oracle+cx_oracle://{where}/{query_of(service)}"


def _duckdb(connection: Connection) -> str:
    if lakehouse := connection.fields.get("lakehouse"):
        return _ducklake(connection, lakehouse)
    return f"duckdb:///{_file(connection)}"


def _ducklake(connection: Connection, lakehouse: object) -> str:
    if not isinstance(lakehouse, Mapping):
        raise StepFailed("config", f"connection {connection.name!r}: lakehouse must be a mapping")
    flat: dict[str, str] = {}
    for part in ("catalog", "storage"):
        _flatten(part, lakehouse.get(part), flat)
    return f"ducklake://{query_of(flat)}"


def _flatten(prefix: str, value: object, into: dict[str, str]) -> None:
    """{"auth": {"user": u}} below `catalog` becomes catalog_auth_user=u."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            _flatten(f"{prefix}_{key}", item, into)
    elif value is not None:
        into[prefix] = str(value)


def _sqlite(connection: Connection) -> str:
    return f"sqlite:///{_file(connection)}"


def _file(connection: Connection) -> str:
    """The path as ingestr wants it: as it is, it decodes nothing. A `?` would end it early."""
    path = str(connection.file or connection.text("path"))
    if "?" in path:
        raise StepFailed(
            "config", f"connection {connection.name!r}: ingestr cannot use a path with '?': {path}"
        )
    return path


def _motherduck(connection: Connection) -> str:
    token = query_of({"token": connection.text("token")})
    return f"motherduck://{_part(connection, 'database')}{token}"


def _snowflake(connection: Connection) -> str:
    query = {"warehouse": connection.text("warehouse"), "role": connection.text("role")}
    if not connection.text("password"):
        query["private_key"] = connection.content("private_key", "private_key_path")
        query["private_key_passphrase"] = connection.text("private_key_passphrase")
    account, database = _part(connection, "account"), _part(connection, "database")
    return f"snowflake://{_login(connection)}{account}/{database}{query_of(query)}"


def _bigquery(connection: Connection) -> str:
    query = {
        "credentials_base64": bigquery_account(connection),
        "location": connection.text("location"),
    }
    return f"bigquery://{_part(connection, 'project_id')}{query_of(query)}"


def bigquery_account(connection: Connection) -> str:
    """The service account in base64, empty to let Google's library find one on the host."""
    if connection.text("access_token"):
        raise StepFailed(
            "config", f"connection {connection.name!r}: an access_token cannot be used"
        )
    account = connection.content("service_account_json", "service_account_file")
    return base64.b64encode(account.encode()).decode() if account else ""


def _clickhouse(connection: Connection) -> str:
    query = {key: connection.text(key) for key in ("http_port", "secure")}
    return f"clickhouse://{_login(connection)}{_host(connection, 9000)}{query_of(query)}"


def _databricks(connection: Connection) -> str:
    query = {"http_path": connection.text("path")}
    query |= {key: connection.text(key) for key in ("catalog", "schema")}
    token = connection.text("token")
    if not token:
        query |= {key: connection.text(key) for key in ("client_id", "client_secret")}
    login = f"token:{quote(token, safe='')}@" if token else ""
    return f"databricks://{login}{_host(connection)}{query_of(query)}"


def _athena(connection: Connection) -> str:
    query = {
        "bucket": connection.text("query_results_path"),
        "access_key_id": connection.text("access_key_id"),
        "secret_access_key": connection.text("secret_access_key"),
        "region_name": connection.text("region"),
        "session_token": connection.text("session_token"),
        "profile": connection.text("profile"),
    }
    return f"athena://{query_of(query)}"


def _trino(connection: Connection) -> str:
    where = f"{_login(connection)}{_host(connection, 8080)}"
    return f"trino://{where}/{_part(connection, 'catalog')}"


_INGESTR: dict[str, Callable[[Connection], str]] = {
    "athena": _athena,
    "clickhouse": _clickhouse,
    "databricks": _databricks,
    "duckdb": _duckdb,
    "fabric": _fabric,
    "google_cloud_platform": _bigquery,
    "motherduck": _motherduck,
    "mssql": _mssql,
    "mysql": _mysql,
    "oracle": _oracle,
    "postgres": _postgres,
    "redshift": _server("redshift", 5439),
    "snowflake": _snowflake,
    "sqlite": _sqlite,
    "trino": _trino,
}
