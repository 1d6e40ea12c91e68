"""The connections of one run as a secrets backend has them. Called by workers.connections.

Each is fetched by the worker that needs it, when it needs it, and kept in memory for some minutes.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from assets_parser import connection_types as types
from assets_parser.suggestions import did_you_mean
from workers.errors import StepFailed
from workers.secrets_backends.aws import SecretsManager
from workers.secrets_backends.azure import KeyVault
from workers.secrets_backends.doppler import Doppler
from workers.secrets_backends.names import FORMAT, KNOWN
from workers.secrets_backends.reading import Failed, Missing, Reader
from workers.secrets_backends.vault import Vault

KEPT = 300.0  # seconds
MOST = 500  # secrets that one process keeps
_PAUSES = (0.5, 1.5)  # seconds before a question is asked again
_READERS: Mapping[str, Callable[[Mapping[str, str]], Reader]] = {
    "vault": Vault.reader,
    "doppler": Doppler.reader,
    "aws": SecretsManager.reader,
    "azure": KeyVault.reader,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One connection from a backend, in the shape that .bruin.yml's have."""

    name: str
    type: str
    fields: Mapping[str, Any] = field(repr=False)


class Secrets(Mapping[str, Secret]):
    """Looks up by name. What else there is cannot be listed."""

    def __init__(self, backend: str, environ: Mapping[str, str], run_id: str) -> None:
        if backend not in _READERS:
            hint = did_you_mean(backend, _READERS) or f"it may be {KNOWN}"
            raise StepFailed("config", f"there is no secrets backend {backend!r}", hint=hint)
        self._backend = backend
        self._environ = environ
        self._run_id = run_id

    def __getitem__(self, name: str) -> Secret:
        """StepFailed names backend and secret, never a value; kind "env" if there is no answer."""
        key = (self._run_id, self._backend, name)
        kept = _memory.get(key)
        if kept is not None and time.monotonic() < kept[0]:
            return kept[1]
        found = self._fetched(name)
        _remember(key, found)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def _fetched(self, name: str) -> Secret:
        if not name or ".." in name.split("/") or not name.isprintable():
            raise StepFailed("config", f"{name!r} cannot be the name of a secret")
        for pause in (*_PAUSES, None):
            try:
                return self._read(_READERS[self._backend](self._environ), name)
            except Failed as failure:
                if pause is None or not failure.again:
                    raise self._unanswered(name, failure) from None
                time.sleep(pause)
        raise AssertionError

    def _read(self, reader: Reader, name: str) -> Secret:
        try:
            return _connection(name, _said(reader, name))
        except Missing:
            message = f"the secrets backend {self._backend} has no secret {name!r}"
            hint = f"add {reader.place(name)} as {FORMAT}"
            raise StepFailed("config", message, hint=hint) from None
        except ValueError as error:
            message = f"secret {name!r} of the secrets backend {self._backend} {error}"
            hint = f"{reader.place(name)} must be {FORMAT}"
            raise StepFailed("config", message, hint=hint) from None

    def _unanswered(self, name: str, failure: Failed) -> StepFailed:
        """Of a kind that says: nobody may go on without knowing, and a retry may help."""
        message = f"the secrets backend {self._backend} did not give secret {name!r}: {failure}"
        return StepFailed("env", message, hint=failure.hint)


_memory: dict[tuple[str, str, str], tuple[float, Secret]] = {}  # until when (monotonic), what


def _remember(key: tuple[str, str, str], found: Secret) -> None:
    now = time.monotonic()
    for old, (until, _) in list(_memory.items()):
        if until < now or len(_memory) >= MOST:
            _memory.pop(old, None)
    _memory[key] = (now + KEPT, found)


def _said(reader: Reader, name: str) -> str | Mapping[str, Any]:
    """What a library did not foresee is told by its type alone: its text may hold the value."""
    try:
        return reader.read(name)
    except (Missing, Failed):
        raise
    except Exception as error:
        raise Failed(f"{type(error).__name__} in its client") from None


def _connection(name: str, said: str | Mapping[str, Any]) -> Secret:
    """The connection that a secret describes; ValueError says what is wrong, without its value."""
    try:
        data = json.loads(said) if isinstance(said, str) else said
    except (ValueError, RecursionError):
        raise ValueError("is not valid JSON") from None
    if not isinstance(data, Mapping):
        raise ValueError("is not a JSON object")
    kind, details = data.get("type"), data.get("details")
    if not isinstance(kind, str) or not isinstance(details, Mapping):
        raise ValueError("needs `type`, a text, and `details`, an object")
    if kind not in types.KNOWN:
        near = did_you_mean(kind, types.KNOWN)
        raise ValueError(f"has a `type` that is no connection type{f'; {near}' if near else ''}")
    fields = {k: v for k, v in details.items() if v is not None and k != "name"}
    if kind in types.PORTS and not fields.get("port"):
        fields["port"] = types.PORTS[kind]
    return Secret(name=name, type=kind, fields=fields)
