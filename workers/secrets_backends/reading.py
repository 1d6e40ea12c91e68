"""What the four backends have in common: the reader, and the ways in which reading goes wrong.

No text of an exception here holds a secret's value.
"""

import importlib
import re
from collections.abc import Mapping
from typing import Any, Protocol

TIMEOUT = 30.0  # seconds for one answer, as in Bruin
_CREDENTIALS = re.compile(r"://[^/\s@]+@")
_LONGEST = 300  # characters of a library's own words


class Reader(Protocol):
    """One backend, ready to be asked."""

    def read(self, name: str) -> "str | Mapping[str, Any]":
        """The secret's JSON, as text or read already; raises Missing or Failed."""

    def place(self, name: str) -> str:
        """Where this secret is looked for, in words."""


class Missing(Exception):
    """The backend answers that there is no such secret."""


class Failed(Exception):
    """There is no answer. `again` says that trying once more may help."""

    def __init__(self, text: str, *, again: bool = False, hint: str = "") -> None:
        super().__init__(text)
        self.again = again
        self.hint = hint


def needed(environ: Mapping[str, str], *names: str) -> list[str]:
    """The values of variables that must be set; Failed names those that are not."""
    missing = [name for name in names if not environ.get(name)]
    if missing:
        hint = "export it where the worker (or, without one, the fleet command) starts"
        raise Failed(f"{', '.join(missing)} not set", hint=hint)
    return [environ[name] for name in names]


def library(module: str, extra: str) -> Any:
    """The backend's client; Failed says how to install it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        text = f"the package {error.name} is not installed on this worker"
        raise Failed(text, hint=f"pip install 'bruin-fleet[{extra}]'") from None


def words(error: BaseException) -> str:
    """What a library says, on one line, short, without a password that an address may hold."""
    said = _CREDENTIALS.sub("://***@", " ".join(str(error).split()))[:_LONGEST]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
