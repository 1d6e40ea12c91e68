"""Doppler: a secret of one project's config, named like the connection.

Plain HTTP, as in Bruin: one question and one answer. Doppler's own Python library knows no time
limit, so that a worker's slot could hang for good.
"""

import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workers.secrets_backends.reading import TIMEOUT, Failed, Missing, needed, words

_HOST = "https://api.doppler.com"
_HINT = "is BRUIN_DOPPLER_TOKEN right for this project and config?"
_NO_SUCH_NAME = (400, 404)
_LARGEST = 2**20  # bytes of an answer


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """The token is for this host only."""


@dataclass(frozen=True, slots=True)
class Doppler:
    """What to ask, and with which token."""

    host: str
    project: str
    config: str
    token: str = field(repr=False)

    @staticmethod
    def reader(environ: Mapping[str, str]) -> "Doppler":
        """As the variables say; Failed names those that are not set."""
        token, project, config = needed(
            environ, "BRUIN_DOPPLER_TOKEN", "BRUIN_DOPPLER_PROJECT", "BRUIN_DOPPLER_CONFIG"
        )
        host = environ.get("DOPPLER_API_HOST") or _HOST
        if not host.startswith(("https://", "http://")):
            raise Failed("DOPPLER_API_HOST must be an address such as https://api.doppler.com")
        return Doppler(host.rstrip("/"), project, config, token)

    def read(self, name: str) -> str:
        """The value, references filled in; Doppler's own spelling of the name counts too."""
        for spelling in dict.fromkeys((name, _spelled(name))):
            answer = self._answer(spelling)
            if answer is not None:
                return _computed(answer)
        raise Missing

    def place(self, name: str) -> str:
        """Name, project and config."""
        return f"{_spelled(name)} in project {self.project}, config {self.config}"

    def _answer(self, name: str) -> bytes | None:
        given = {"project": self.project, "config": self.config, "name": name}
        address = f"{self.host}/v3/configs/config/secret?{urllib.parse.urlencode(given)}"
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        request = urllib.request.Request(address, headers=headers)  # noqa: S310 - http(s) only
        opener = urllib.request.build_opener(_NoRedirects)
        try:
            with opener.open(request, timeout=TIMEOUT) as answer:
                found: bytes = answer.read(_LARGEST)
                return found
        except urllib.error.HTTPError as error:
            if error.code in _NO_SUCH_NAME:
                return None
            again = error.code == 429 or error.code >= 500
            raise Failed(f"HTTP {error.code} {error.reason}", again=again, hint=_HINT) from None
        except (OSError, http.client.HTTPException) as error:
            raise Failed(words(error), again=True) from None


def _spelled(name: str) -> str:
    """Doppler's names have capitals, digits and underscores only."""
    return re.sub(r"[^0-9A-Z]", "_", name.upper())


def _computed(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["value"]["computed"])
    except (ValueError, KeyError, TypeError):
        raise Failed("its answer holds no secret") from None
