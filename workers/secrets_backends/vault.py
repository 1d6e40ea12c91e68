"""HashiCorp Vault, a kv engine of version 2: one secret for each connection, below one path."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.secrets_backends.reading import TIMEOUT, Failed, Missing, library, needed, words

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
_HINT = "set BRUIN_VAULT_TOKEN, or BRUIN_VAULT_ROLE in Kubernetes, for the worker"


@dataclass(frozen=True, slots=True)
class Vault:
    """A client that is logged in."""

    client: Any
    mount: str
    path: str

    @staticmethod
    def reader(environ: Mapping[str, str]) -> "Vault":
        """Log in as the variables say; Failed if that is impossible."""
        host, mount, path = needed(
            environ, "BRUIN_VAULT_HOST", "BRUIN_VAULT_MOUNT_PATH", "BRUIN_VAULT_PATH"
        )
        hvac = library("hvac", "vault")
        namespace = environ.get("VAULT_NAMESPACE") or None
        client = hvac.Client(url=host, token="", timeout=TIMEOUT, namespace=namespace)
        client.token = environ.get("BRUIN_VAULT_TOKEN") or _login(client, environ)
        return Vault(client, mount.strip("/"), path.strip("/"))

    def read(self, name: str) -> Mapping[str, Any]:
        """The newest version of the secret."""
        found = _asked(
            self.client.secrets.kv.v2.read_secret_version,
            path=f"{self.path}/{name}",
            mount_point=self.mount,
            raise_on_deleted_version=True,
        )
        try:
            data: Mapping[str, Any] = found["data"]["data"]
        except (KeyError, TypeError):
            raise Failed("its answer holds no secret: is this a kv engine of version 2?") from None
        return data

    def place(self, name: str) -> str:
        """The path in the engine."""
        return f"{self.mount}/data/{self.path}/{name}"


def _login(client: Any, environ: Mapping[str, str]) -> str:
    """A token for the pod's service account."""
    role = environ.get("BRUIN_VAULT_ROLE")
    if not role:
        raise Failed("neither BRUIN_VAULT_TOKEN nor BRUIN_VAULT_ROLE is set", hint=_HINT)
    try:
        jwt = SERVICE_ACCOUNT.read_text("utf-8").strip()
    except OSError as error:
        raise Failed(f"{SERVICE_ACCOUNT} cannot be read: {error.strerror}", hint=_HINT) from None
    answer = _asked(client.auth.kubernetes.login, role=role, jwt=jwt, use_token=False)
    return str(answer["auth"]["client_token"])


def _asked(question: Any, **given: Any) -> Any:
    """Its answer, in this package's words if it is none."""
    errors = library("hvac.exceptions", "vault")
    requests = library("requests", "vault")
    try:
        return question(**given)
    except errors.InvalidPath:
        raise Missing from None
    except (errors.Forbidden, errors.Unauthorized, errors.InvalidRequest) as error:
        raise Failed(words(error), hint=_HINT) from None
    except (errors.VaultError, requests.RequestException) as error:
        raise Failed(words(error), again=True) from None
