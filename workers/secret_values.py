"""What an asset receives for a secret, and what no log may show. Called by the steps.

The JSON of each connection type has the fields, the order and the escapes that Bruin gives it.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from workers.connections import Connection
from workers.errors import StepFailed
from workers.uris import NoUri, ingestr_uri

# Fields in Bruin's order. A last `?` means: left out when empty. `#`: a whole number.
_LOGIN = "username password host"
_STRUCTS: dict[str, str] = {
    "postgres": f"{_LOGIN} port# database schema? pool_max_conns#? ssl_mode?",
    "redshift": f"{_LOGIN} port# database schema ssl_mode?",
    "duckdb": "path read_only? lakehouse?",
    "motherduck": "token database?",
    "sqlite": "path",
    "mysql": f"{_LOGIN} port# database driver? ssl_ca_path? ssl_cert_path? ssl_key_path?",
    "mssql": f"{_LOGIN} port# database options?",
    "clickhouse": f"{_LOGIN} port# database http_port#? secure#?",
    "databricks": "token? path host port# catalog schema client_id? client_secret?",
    "trino": "host port# username password? catalog schema",
    "athena": (
        "access_key_id? secret_access_key? session_token? query_results_path region? database? "
        "profile?"
    ),
    "aws": "access_key secret_key region",
}
_SNOWFLAKE = "account username password region role database schema warehouse private_key token"
_GOOGLE = "service_account_json service_account_file project_id location"
_GOOGLE_IF_SET = (
    "access_token max_billable_bytes max_billable_bytes_soft max_query_cost max_query_cost_soft"
)
_PORTS = {
    "postgres": 5432,
    "redshift": 5439,
    "mysql": 3306,
    "mssql": 1433,
    "databricks": 443,
    "trino": 8080,
    "clickhouse": 9000,
}
_HARMLESS = frozenset(
    {
        *("name", "host", "port", "database", "schema", "path", "region", "role", "warehouse"),
        *("username", "account", "location", "project_id", "driver", "ssl_mode", "options"),
        *("catalog", "profile", "pool_max_conns", "http_port", "secure", "read_only", "layout"),
        *("bucket_name", "path_to_file", "endpoint_url", "query_results_path", "cluster"),
        *("max_concurrent_assets", "use_application_default_credentials", "service_account_file"),
        *("private_key_path", "ssl_ca_path", "ssl_cert_path", "ssl_key_path"),
    }
)
_HARMLESS_VALUES = frozenset({"", "true", "false", "null", "none"})
_SHORTEST = 4  # characters; a shorter text would hide half of every log
_HTML = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def secret_value(connection: Connection) -> str:
    """The text that the asset's variable for this connection holds."""
    if connection.type == "generic":
        return connection.text("value")
    return _json(_object(connection))


def secret_texts(connection: Connection) -> list[str]:
    """The texts that must not be seen in a log, in all the forms they are likely to take."""
    plain = [text for text in _secrets(connection) if _worth_hiding(text)]
    if not plain:
        return []
    found: dict[str, None] = {}
    for text in plain:
        found.update(dict.fromkeys(_forms(text)))
    found[secret_value(connection)] = None
    found.update(dict.fromkeys(_uris(connection)))
    return [text for text in found if _worth_hiding(text)]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_HTML)


def _object(connection: Connection) -> dict[str, Any]:
    if connection.type == "snowflake":
        return _snowflake(connection)
    if connection.type == "google_cloud_platform":
        return _google(connection)
    words = _STRUCTS.get(connection.type)
    if words is None:  # a type that Bruin knows and we have no table for: all that was written
        return {"name": connection.name, **connection.fields}
    return _struct(connection, words.split())


def _struct(connection: Connection, words: Iterable[str]) -> dict[str, Any]:
    made: dict[str, Any] = {"name": connection.name}
    for word in words:
        value = _field(connection, word.rstrip("?").rstrip("#"), numeric="#" in word)
        if value or not word.endswith("?"):
            made[word.rstrip("?").rstrip("#")] = value
    if limit := connection.number("max_concurrent_assets"):
        made["max_concurrent_assets"] = limit
    return made


def _field(connection: Connection, key: str, *, numeric: bool) -> Any:
    if numeric:
        return connection.number(key, _PORTS.get(connection.type, 0) if key == "port" else 0)
    if key == "path" and connection.type == "duckdb" and connection.file:
        return str(connection.file)
    value = connection.fields.get(key)
    return value if isinstance(value, bool | Mapping) else connection.text(key)


def _snowflake(connection: Connection) -> dict[str, str]:
    made = {key: connection.text(key) for key in ["name", *_SNOWFLAKE.split()]}
    made["name"] = connection.name
    made["private_key"] = connection.content("private_key", "private_key_path")
    return dict(sorted(made.items()))


def _google(connection: Connection) -> dict[str, str]:
    made = {key: connection.text(key) for key in _GOOGLE.split()}
    made |= {key: connection.text(key) for key in _GOOGLE_IF_SET.split() if connection.text(key)}
    made["name"] = connection.name
    made["service_account_json"] = connection.content(
        "service_account_json", "service_account_file"
    )
    adc = connection.text("use_application_default_credentials")
    made["use_application_default_credentials"] = adc or "false"
    return dict(sorted(made.items()))


def _secrets(connection: Connection) -> list[str]:
    """The values of all fields that are not known to be harmless, nested ones too."""
    found = [
        text
        for key, value in connection.fields.items()
        if key not in _HARMLESS
        for text in _leaves(value)
    ]
    if connection.type == "snowflake":
        found.append(connection.content("private_key", "private_key_path"))
    if connection.type in ("google_cloud_platform", "gcs", "google_sheets"):
        found += _leaves_of_json(connection.content("service_account_json", "service_account_file"))
    return found


def _leaves(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [t for k, v in value.items() if k not in _HARMLESS for t in _leaves(v)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _leaves(item)]
    return [] if value is None or isinstance(value, bool) else [str(value)]


def _leaves_of_json(text: str) -> list[str]:
    """The key inside a service account's JSON, and the JSON itself."""
    keys = re.findall(r'"private_key(?:_id)?"\s*:\s*"((?:[^"\\]|\\.)*)"', text)
    return [text, *keys] if text else []


def _worth_hiding(text: str) -> bool:
    return len(text) >= _SHORTEST and text.lower() not in _HARMLESS_VALUES


def _forms(text: str) -> list[str]:
    """The text as it is, inside JSON, percent-encoded, in base64, and line by line."""
    escaped = json.dumps(text)[1:-1]
    lines = [line.strip() for line in text.splitlines()] if "\n" in text else []
    return [
        text,
        escaped,
        escaped.translate(_HTML),
        _json(text)[1:-1],
        quote(text, safe=""),
        quote(text),
        quote_plus(text),
        base64.b64encode(text.encode()).decode(),
        *(line for line in lines if len(line) > 2 * _SHORTEST and not line.startswith("-----")),
    ]


def _uris(connection: Connection) -> list[str]:
    try:
        return [ingestr_uri(connection)]
    except (NoUri, StepFailed):
        return []  # a connection that is no destination has no URI to hide
