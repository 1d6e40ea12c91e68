"""Local stand-ins for the HTTP interfaces of Vault, Doppler, AWS Secrets Manager and Key Vault.

They answer as the real ones are documented to, check the credentials, and remember what was asked.
"""

import datetime
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "stand-in-token"
JWT = "service-account-jwt"
TENANT = "11111111-2222-3333-4444-555555555555"
Answer = tuple[int, Any, dict[str, str]]


@dataclass
class Stand:
    """One server. `secrets` are texts by name (Vault: objects); `broken` answers come first."""

    secrets: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)  # status codes
    url: str = ""

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        """The status, the JSON and the headers for one request."""
        raise NotImplementedError

    @contextmanager
    def running(self, certificate: Path | None = None) -> Iterator["Stand"]:
        """Serve until the block ends; over TLS if there is a certificate with its key."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(stand: Stand) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            stand.asked.append(f"{self.command} {self.path}")
            broken = stand.broken.pop(0) if stand.broken else 0
            status, answer, headers = (broken, {}, {}) if broken else stand.answer(self, body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """A test's output is its own."""

    return Handler


@dataclass
class Vault(Stand):
    """A kv engine of version 2 mounted at `kv`, and Kubernetes logins for the role `fleet`."""

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        if request.path == "/v1/auth/kubernetes/login":
            good = json.loads(body) == {"role": "fleet", "jwt": JWT}
            return (200, {"auth": {"client_token": TOKEN}}, {}) if good else _vault_error(403)
        if request.headers.get("X-Vault-Token") != TOKEN:
            return _vault_error(403)
        name = request.path.removeprefix("/v1/kv/data/bruin/")
        if name not in self.secrets:
            return _vault_error(404)
        return 200, {"data": {"data": self.secrets[name], "metadata": {"version": 1}}}, {}


def _vault_error(status: int) -> Answer:
    return status, {"errors": ["permission denied"] if status == 403 else []}, {}


@dataclass
class Doppler(Stand):
    """Project `shop`, config `dev`."""

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {"messages": ["Invalid Auth token"], "success": False}, {}
        place, given = urlsplit(request.path), {}
        given = {key: values[0] for key, values in parse_qs(place.query).items()}
        assert (place.path, given["project"], given["config"]) == (
            "/v3/configs/config/secret",
            "shop",
            "dev",
        )
        value = self.secrets.get(given["name"])
        if value is None:
            return 404, {"messages": ["Could not find requested secret"], "success": False}, {}
        return 200, {"name": given["name"], "value": {"raw": value, "computed": value}}, {}


@dataclass
class SecretsManager(Stand):
    """Region eu-west-1, for the key AKIASTANDIN."""

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        signed = request.headers.get("Authorization", "")
        if "Credential=AKIASTANDIN/" not in signed or "/eu-west-1/secretsmanager/" not in signed:
            return _aws_error("UnrecognizedClientException", "The security token is invalid.")
        assert request.headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
        name = json.loads(body)["SecretId"]
        self.asked[-1] = name
        if name not in self.secrets:
            return _aws_error("ResourceNotFoundException", "Secrets Manager can't find it.")
        return 200, {"Name": name, "SecretString": self.secrets[name]}, {}


def _aws_error(kind: str, text: str) -> Answer:
    return 400, {"__type": kind, "message": text}, {"x-amzn-ErrorType": kind}


@dataclass
class KeyVault(Stand):
    """A vault and the authority that gives tokens to the client `fleet` with the secret `pw`."""

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        path = urlsplit(request.path).path
        authority = f"{self.url}/{TENANT}"
        if path.endswith("/openid-configuration"):
            names = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
            known = {key: f"{authority}/oauth2/v2.0/{name}" for key, name in names.items()}
            return 200, known | {"issuer": authority, "jwks_uri": f"{authority}/keys"}, {}
        if path.endswith("/token"):
            given = parse_qs(body.decode())
            good = (given.get("client_id"), given.get("client_secret")) == (["fleet"], ["pw"])
            token = {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
            refused = {"error": "invalid_client", "error_description": "AADSTS7000215: wrong"}
            return (200, token, {}) if good else (401, refused, {})
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            port = urlsplit(self.url).port  # the client wants a domain that the vault's ends with
            challenge = f'Bearer authorization="{authority}", resource="https://0.0.1:{port}"'
            return 401, {}, {"WWW-Authenticate": challenge}
        name = path.removeprefix("/secrets/").strip("/")
        if name not in self.secrets:
            return 404, {"error": {"code": "SecretNotFound", "message": "not here"}}, {}
        return 200, {"value": self.secrets[name], "id": f"{self.url}/secrets/{name}/1"}, {}


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 with its key, signed by itself, valid for a day."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    file = folder / "stand-in.pem"
    file.write_bytes(
        made.public_bytes(encoding)
        + key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
    )
    return file
