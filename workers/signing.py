"""Signs messages, so that who can write to the broker cannot make a worker run a thing.

workers.contract signs what Celery sends, dispatcher.message what the command line writes itself;
workers.gate verifies. The key is the setting message_key, else one that the catalog holds: then
whoever may read the catalog may sign. Light: the CLI imports it.
"""

import functools
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from workers.settings import Settings

if TYPE_CHECKING:
    from celery import Celery
    from sqlalchemy import Engine

VERSION = 2  # of what messages mean: a worker refuses those of another one
HEADER = "fleet"  # of a message: {"contract": ..., "signature": ...}
FACT = "message_key"  # of the catalog


class Meaning(NamedTuple):
    """What a message asks for, whole: nothing else of it decides what a worker does."""

    task: str
    queue: str
    run: str
    asset: str = ""
    detached: bool = False


class Signer:
    """Signs for one fleet. `engine` is its catalog, if one is open already."""

    def __init__(self, settings: Settings, engine: "Engine | None" = None) -> None:
        self._settings = settings
        self._engine = engine

    @functools.cached_property
    def key(self) -> bytes:
        """The key; read, or made by whoever is first, when it is needed first."""
        own = self._settings.message_key
        return (own or _shared(self._settings, self._engine)).encode()

    def header(self, meaning: Meaning) -> dict[str, Any]:
        """The header of a message that means this."""
        return {HEADER: {"contract": VERSION, "signature": self._signature(meaning)}}

    def fault(self, meaning: Meaning, headers: Mapping[str, Any]) -> str:
        """Why these headers do not vouch for the message; empty if they do."""
        said = headers.get(HEADER)
        if not isinstance(said, Mapping):
            return "it is not signed"
        if said.get("contract") != VERSION:
            return f"it speaks contract {said.get('contract')!r:.20}, this worker {VERSION}"
        signature = said.get("signature")
        if not isinstance(signature, str) or not signature.isascii():
            return "it is not signed"
        if not hmac.compare_digest(signature, self._signature(meaning)):
            return "its signature is wrong: a forgery, or a host with another message_key"
        return ""

    def _signature(self, meaning: Meaning) -> str:
        text = json.dumps(["bruin-fleet message", VERSION, self._settings.fleet, *meaning])
        return hmac.new(self.key, text.encode(), "sha256").hexdigest()


def attach(app: "Celery", settings: Settings, engine: "Engine | None" = None) -> None:
    """Let the app sign; a worker attaches again with its open catalog."""
    app.fleet_signer = Signer(settings, engine)  # type: ignore[attr-defined]


def of(app: "Celery") -> Signer:
    """What signs for this app."""
    signer: Signer = app.fleet_signer  # type: ignore[attr-defined]
    return signer


def _shared(settings: Settings, engine: "Engine | None") -> str:
    from catalog import facts  # noqa: PLC0415 - not before a message is signed
    from catalog.engine import connect  # noqa: PLC0415

    opened = engine or connect(settings.catalog_url)
    try:
        return facts.get_or_add(opened, FACT, secrets.token_urlsafe(32))
    finally:
        if engine is None:
            opened.dispose()
