"""The environment of an asset's process: an allow-list, never what the worker happens to have.

Called by workers.asset_process. The broker's and the catalog's addresses are no part of it.
"""

import json
from collections.abc import Collection, Mapping

from assets_parser.spec import AssetSpec
from workers import secret_values
from workers.connections import Connection, Connections
from workers.errors import StepFailed

ALLOWED = frozenset(
    [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "TZDIR",
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
        "FTP_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "AWS_CA_BUNDLE",
        "PIP_CERT",
    ]
)


def inherited(environ: Mapping[str, str], more: Collection[str] = ()) -> dict[str, str]:
    """What an asset may see of the worker's own environment; `more` is the setting pass_env."""
    return {key: value for key, value in environ.items() if _allowed(key) or key in more}


def _allowed(key: str) -> bool:
    return key.upper() in ALLOWED if key.lower().endswith("_proxy") else _exactly(key)


def _exactly(key: str) -> bool:
    return key in ALLOWED or key.startswith("LC_")


def secrets(spec: AssetSpec, connections: Connections) -> dict[str, Connection]:
    """The declared connections by the variable that each is injected as.

    StepFailed if one is not known, or if two want the same variable.
    """
    keys: dict[str, str] = {}
    for secret in spec.secrets:
        name = secret.inject_as or secret.key
        if keys.setdefault(name, secret.key) != secret.key:
            message = f"the secrets {keys[name]!r} and {secret.key!r} are both injected as {name!r}"
            raise StepFailed("config", message, hint="give each an `inject_as` of its own")
    return {name: connections.get(key) for name, key in keys.items()}


def build(
    spec: AssetSpec,
    declared: Mapping[str, Connection],
    environ: Mapping[str, str],
    more: Collection[str] = (),
) -> dict[str, str]:
    """The whole environment for one attempt."""
    env = inherited(environ, more) | dict(spec.environment) | {"PYTHONUNBUFFERED": "1"}
    for name, connection in declared.items():
        value = secret_values.secret_value(connection)
        if "\0" in value or "=" in name or not name:
            raise StepFailed(
                "config", f"connection {connection.name!r} cannot be a variable {name!r}"
            )
        env[name] = value
    if declared:
        types = {name: connection.type for name, connection in sorted(declared.items())}
        env["BRUIN_CONNECTION_TYPES"] = json.dumps(types, separators=(",", ":"))
    return env
