"""Files of a project that hold secrets, by their names: no bundle and no template takes them in."""

import fnmatch
from collections.abc import Iterable

#: Whatever anybody asks for: what holds connections, and the fleet's own settings.
NEVER = (".git", ".bruin.yml", ".bruin.yaml", ".env*", "fleet.toml")
#: What usually holds a secret.
USUALLY = (
    *("*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "id_rsa", "id_dsa", "id_ecdsa"),
    *("id_ed25519", ".netrc", "_netrc", ".pgpass", ".pypirc", ".npmrc", ".aws", ".ssh", ".gnupg"),
    *("credentials.json", "service-account*.json", "service_account*.json"),
)


def named(parts: Iterable[str], *, asked: bool = False) -> bool:
    """Whether a path's parts name one; `asked` says that somebody named this very file."""
    patterns = NEVER if asked else (*NEVER, *USUALLY)
    return any(fnmatch.fnmatchcase(part, pattern) for part in parts for pattern in patterns)
