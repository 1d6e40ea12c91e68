"""How SQLAlchemy reaches each connection type: its URL, arguments and driver. Used by
workers.engines for queries of our own; workers.uris has the addresses for ingestr.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workers import sessions
from workers.connections import Connection
from workers.errors import StepFailed
from workers.uris import NoUri, bigquery_account

if TYPE_CHECKING:
    from sqlalchemy import URL

CONNECT = 15  # seconds to wait for a server
BUSY = 30.0  # seconds to wait for a SQLite file that another program holds
_MULTI_STATEMENTS = 1 << 16  # MySQL's flag
_SNOWFLAKE_KEY = ("private_key", "private_key_path")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What `create_engine` takes, and what to install where its driver is missing."""

    url: "URL" = field(repr=False)
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)
    extra: str = ""  # of this project: pip install 'bruin-fleet[...]'


def access(connection: Connection, *, write: bool = False, name: str = "fleet") -> Access:
    """How to open the connection; NoUri if we do not query that type.

    `name` is what a server shows for the session.
    """
    build = _TYPES.get(connection.type)
    if build is None:
        raise NoUri(connection, "queries and checks cannot be run there", list(_TYPES))
    return build(connection, write, name)


def _url(driver: str, connection: Connection, usual: int = 0, **given: Any) -> "URL":
    from sqlalchemy import URL  # noqa: PLC0415 - only where queries are run

    parts: dict[str, Any] = {
        "username": connection.text("username") or None,
        "password": connection.text("password") or None,
        "host": connection.text("host") or None,
        "port": connection.number("port", usual) or None,
        "database": connection.text("database") or None,
        **given,
    }
    parts["query"] = {key: value for key, value in parts.pop("query", {}).items() if value}
    return URL.create(driver, **parts)


def _duckdb(connection: Connection, write: bool, name: str) -> Access:
    from sqlalchemy import URL  # noqa: PLC0415 - only where queries are run

    if connection.fields.get("lakehouse"):
        raise StepFailed(
            "config",
            f"connection {connection.name!r}: queries on a lakehouse are not possible yet",
            hint="loads into it are; attach it in a script of your own with the ducklake extension",
        )
    path = connection.text("path")
    if path.startswith("md:"):
        return _motherduck_at(path.removeprefix("md:"), connection.text("token"))
    database = str(connection.file or ":memory:")
    only = connection.file is not None and (not write or _read_only(connection))
    return Access(url=URL.create("duckdb", database=database), arguments={"read_only": only})


def _motherduck(connection: Connection, write: bool, name: str) -> Access:
    return _motherduck_at(connection.text("database"), connection.text("token"))


def _motherduck_at(database: str, token: str) -> Access:
    from sqlalchemy import URL  # noqa: PLC0415 - only where queries are run

    config = {"motherduck_token": token} if token else {}
    return Access(url=URL.create("duckdb", database=f"md:{database}"), arguments={"config": config})


def _sqlite(connection: Connection, write: bool, name: str) -> Access:
    from sqlalchemy import URL  # noqa: PLC0415 - only where queries are run

    url = URL.create("sqlite", database=str(connection.file or ":memory:"))
    return Access(url=url, arguments={"timeout": BUSY, "check_same_thread": False})


def _postgres(connection: Connection, write: bool, name: str) -> Access:
    query = {"sslmode": connection.text("ssl_mode")}
    port = 5439 if connection.type == "redshift" else 5432
    given: dict[str, Any] = {}
    if connection.text("host").startswith("/"):  # a folder with the server's socket
        query |= {"host": connection.text("host"), "port": connection.text("port", str(port))}
        given = {"host": None, "port": None}
    url = _url("postgresql+psycopg", connection, port, query=query, **given)
    arguments = {"connect_timeout": CONNECT, "application_name": name[: sessions.LONGEST]}
    arguments |= sessions.ARGUMENTS
    if options := _session(connection):
        arguments["options"] = options
    return Access(url=url, arguments=arguments, extra="postgres")


def _session(connection: Connection) -> str:
    """What the server sets for the session: where names without a schema are looked up."""
    settings = []
    if schema := connection.text("schema"):
        settings.append(f"search_path={schema}")
    if _read_only(connection):
        settings.append("default_transaction_read_only=on")
    escaped = (text.replace("\\", "\\\\").replace(" ", "\\ ") for text in settings)
    return " ".join(f"-c {text}" for text in escaped)


def _read_only(connection: Connection) -> bool:
    return connection.text("read_only") == "true"


def _mysql(connection: Connection, write: bool, name: str) -> Access:
    port = 3306 if connection.type == "mysql" else 9030
    files = {part: connection.text(f"ssl_{part}_path") for part in ("ca", "cert", "key")}
    arguments: dict[str, Any] = {"connect_timeout": CONNECT, "charset": "utf8mb4"}
    arguments |= {f"ssl_{part}": path for part, path in files.items() if path}
    if write:  # a script is one text of several statements; 2 is what SQLAlchemy asks for itself
        arguments["client_flag"] = 2 | _MULTI_STATEMENTS
    if password := connection.text("password"):  # as text, the driver sends it in Latin-1
        arguments["password"] = password.encode()
    return Access(url=_url("mysql+pymysql", connection, port), arguments=arguments, extra="mysql")


def _clickhouse(connection: Connection, write: bool, name: str) -> Access:
    """Over HTTP; ingestr speaks the native protocol and has a port of its own."""
    secure = connection.text("secure") in ("1", "true")
    port = connection.number("http_port", 8443 if secure else 8123)
    query = {"secure": "true" if secure else "", "client_name": name[:63]}
    url = _url("clickhousedb", connection, query=query, port=port)
    return Access(url=url, arguments={"connect_timeout": CONNECT}, extra="clickhouse")


def _mssql(connection: Connection, write: bool, name: str) -> Access:
    from urllib.parse import parse_qsl  # noqa: PLC0415 - here only

    given = dict(parse_qsl(connection.text("options").lstrip("?")))
    trust = "no" if connection.type == "fabric" else "yes"
    query = {"driver": "ODBC Driver 18 for SQL Server", "TrustServerCertificate": trust} | given
    login: dict[str, Any] = {}
    if client := connection.text("client_id"):
        query["Authentication"] = "ActiveDirectoryServicePrincipal"
        login = {"username": client, "password": connection.text("client_secret") or None}
    url = _url("mssql+pyodbc", connection, 1433, query=query, **login)
    return Access(url=url, arguments={"timeout": CONNECT}, extra="mssql")


def _snowflake(connection: Connection, write: bool, name: str) -> Access:
    query = {key: connection.text(key) for key in ("warehouse", "role")}
    place = "/".join(filter(None, (connection.text("database"), connection.text("schema"))))
    arguments: dict[str, Any] = {"login_timeout": CONNECT}
    if token := connection.text("token"):
        arguments |= {"authenticator": "oauth", "token": token}
    elif not connection.text("password") and (key := connection.content(*_SNOWFLAKE_KEY)):
        arguments["private_key"] = _snowflake_key(connection, key)
    host = connection.text("account") or None
    url = _url("snowflake", connection, host=host, port=None, database=place or None, query=query)
    return Access(url=url, arguments=arguments, extra="snowflake")


def _snowflake_key(connection: Connection, pem: str) -> bytes:
    """The key as the driver takes it; the driver brings the library that reads it."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - an extra

    phrase = connection.text("private_key_passphrase").encode() or None
    try:
        key = serialization.load_pem_private_key(pem.encode(), phrase)
    except (TypeError, ValueError) as error:
        message = f"connection {connection.name!r}: the private key cannot be read"
        raise StepFailed(
            "config", message, hint="it must be PEM text; is a passphrase missing?"
        ) from error
    form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    return key.private_bytes(*form, serialization.NoEncryption())


def _bigquery(connection: Connection, write: bool, name: str) -> Access:
    query = {
        "credentials_base64": bigquery_account(connection),
        "location": connection.text("location"),
    }
    project = connection.text("project_id") or None
    url = _url("bigquery", connection, host=project, port=None, query=query)
    return Access(url=url, extra="bigquery")


def _databricks(connection: Connection, write: bool, name: str) -> Access:
    query = {"http_path": connection.text("path")}
    query |= {key: connection.text(key) for key in ("catalog", "schema")}
    if not (token := connection.text("token")):
        raise StepFailed("config", f"connection {connection.name!r}: queries need its `token`")
    login = {"username": "token", "password": token, "database": None}
    url = _url("databricks", connection, 443, query=query, **login)
    return Access(url=url, extra="databricks")


def _athena(connection: Connection, write: bool, name: str) -> Access:
    query = {"s3_staging_dir": connection.text("query_results_path")}
    query["aws_session_token"] = connection.text("session_token")
    query["profile_name"] = connection.text("profile")
    url = _url(
        "awsathena+rest",
        connection,
        username=connection.text("access_key_id") or None,
        password=connection.text("secret_access_key") or None,
        host=f"athena.{connection.text('region', 'us-east-1')}.amazonaws.com",
        port=443,
        query=query,
    )
    return Access(url=url, extra="athena")


def _trino(connection: Connection, write: bool, name: str) -> Access:
    place = "/".join(filter(None, (connection.text("catalog"), connection.text("schema"))))
    url = _url("trino", connection, 8080, database=place or None)
    return Access(url=url, arguments={"source": name[:63]}, extra="trino")


def _oracle(connection: Connection, write: bool, name: str) -> Access:
    query = {"service_name": connection.text("service_name")}
    sid = None if query["service_name"] else connection.text("sid") or None
    url = _url("oracle+oracledb", connection, 1521, database=sid, query=query)
    return Access(url=url, arguments={"tcp_connect_timeout": CONNECT}, extra="oracle")


_TYPES: dict[str, Callable[[Connection, bool, str], Access]] = {
    "athena": _athena,
    "clickhouse": _clickhouse,
    "databricks": _databricks,
    "doris": _mysql,
    "duckdb": _duckdb,
    "fabric": _mssql,
    "google_cloud_platform": _bigquery,
    "motherduck": _motherduck,
    "mssql": _mssql,
    "mysql": _mysql,
    "oracle": _oracle,
    "postgres": _postgres,
    "redshift": _postgres,
    "snowflake": _snowflake,
    "sqlite": _sqlite,
    "starrocks": _mysql,
    "synapse": _mssql,
    "trino": _trino,
}
