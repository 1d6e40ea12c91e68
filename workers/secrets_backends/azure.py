"""Azure Key Vault: the secret's name is the connection's, with what a name must not have as `-`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workers.secrets_backends.reading import TIMEOUT, Failed, Missing, library, needed, words

_FORBIDDEN = re.compile(r"[^0-9A-Za-z-]")
_HINT = "see BRUIN_AZURE_AUTH_METHOD; may this identity get secrets of the vault?"
_LIMITS = {"connection_timeout": TIMEOUT, "read_timeout": TIMEOUT, "retry_total": 1}
_METHODS = "default, workload_identity, managed_identity, client_credentials, cli"


@dataclass(frozen=True, slots=True)
class KeyVault:
    """A client for one vault."""

    client: Any
    prefix: str
    url: str

    @staticmethod
    def reader(environ: Mapping[str, str]) -> "KeyVault":
        """With the identity that BRUIN_AZURE_AUTH_METHOD chooses; Failed if it cannot be."""
        (url,) = needed(environ, "BRUIN_AZURE_KEYVAULT_URL")
        if not url.startswith("https://"):
            raise Failed("BRUIN_AZURE_KEYVAULT_URL must begin with https://")
        secrets = library("azure.keyvault.secrets", "azure")
        client = secrets.SecretClient(vault_url=url, credential=_identity(environ), **_LIMITS)
        return KeyVault(client, environ.get("BRUIN_AZURE_SECRET_PREFIX", ""), url.rstrip("/"))

    def read(self, name: str) -> str:
        """The newest version of the secret."""
        errors = library("azure.core.exceptions", "azure")
        try:
            value = self.client.get_secret(self._name(name)).value
        except errors.ResourceNotFoundError:
            raise Missing from None
        except errors.ClientAuthenticationError as error:
            raise Failed(words(error), hint=_HINT) from None
        except errors.HttpResponseError as error:
            raise Failed(words(error), again=_passes(error.status_code), hint=_HINT) from None
        except (errors.AzureError, ValueError) as error:
            raise Failed(words(error), again=not isinstance(error, ValueError)) from None
        if value is None:
            raise Failed("the secret has no value")
        return str(value)

    def place(self, name: str) -> str:
        """The secret's address."""
        return f"{self.url}/secrets/{self._name(name)}"

    def _name(self, name: str) -> str:
        return _FORBIDDEN.sub("-", self.prefix + name)


def _passes(status: int | None) -> bool:
    return status is None or status == 429 or status >= 500


def _identity(environ: Mapping[str, str]) -> Any:
    method = environ.get("BRUIN_AZURE_AUTH_METHOD") or "default"
    identity = library("azure.identity", "azure")
    client = environ.get("BRUIN_AZURE_CLIENT_ID") or None
    if method == "client_credentials":
        return _service_principal(identity, environ)
    if method == "managed_identity":
        return identity.ManagedIdentityCredential(client_id=client)
    if method == "workload_identity":
        given = {"tenant_id": environ.get("BRUIN_AZURE_TENANT_ID"), "client_id": client}
        return identity.WorkloadIdentityCredential(**{k: v for k, v in given.items() if v})
    if method == "cli":
        return identity.AzureCliCredential()
    if method == "default":
        return identity.DefaultAzureCredential()
    raise Failed(f"BRUIN_AZURE_AUTH_METHOD is {method!r}", hint=f"it may be {_METHODS}")


def _service_principal(identity: Any, environ: Mapping[str, str]) -> Any:
    names = ("BRUIN_AZURE_TENANT_ID", "BRUIN_AZURE_CLIENT_ID", "BRUIN_AZURE_CLIENT_SECRET")
    authority = environ.get("AZURE_AUTHORITY_HOST")
    own = {"authority": authority, "disable_instance_discovery": True} if authority else {}
    try:
        return identity.ClientSecretCredential(*needed(environ, *names), **own)
    except ValueError as error:
        raise Failed(words(error)) from None
