"""The secrets backends by name, and the variables that tell a worker how to reach each.

Light: the dispatcher checks names with it and hands variables over to workers of its own host.
"""

from collections.abc import Mapping
from types import MappingProxyType

#: By backend: Bruin's variables, then those of the backend's own tools that count too.
VARIABLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "vault": (
            "BRUIN_VAULT_HOST",
            "BRUIN_VAULT_TOKEN",
            "BRUIN_VAULT_ROLE",
            "BRUIN_VAULT_PATH",
            "BRUIN_VAULT_MOUNT_PATH",
            "VAULT_NAMESPACE",
        ),
        "doppler": (
            "BRUIN_DOPPLER_TOKEN",
            "BRUIN_DOPPLER_PROJECT",
            "BRUIN_DOPPLER_CONFIG",
            "DOPPLER_API_HOST",
        ),
        "aws": (
            "BRUIN_AWS_ACCESS_KEY_ID",
            "BRUIN_AWS_SECRET_ACCESS_KEY",
            "BRUIN_AWS_SESSION_TOKEN",
            "BRUIN_AWS_REGION",
        ),
        "azure": (
            "BRUIN_AZURE_KEYVAULT_URL",
            "BRUIN_AZURE_AUTH_METHOD",
            "BRUIN_AZURE_TENANT_ID",
            "BRUIN_AZURE_CLIENT_ID",
            "BRUIN_AZURE_CLIENT_SECRET",
            "BRUIN_AZURE_SECRET_PREFIX",
            "AZURE_AUTHORITY_HOST",
        ),
    }
)
FORMAT = '{"type": "postgres", "details": {...}}'
KNOWN = ", ".join(VARIABLES)
