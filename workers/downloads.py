"""Fetches a file over HTTP for a seed. Called by workers.seed_step.

ingestr's own HTTP sources end with success and without a table when the network fails, so the file
is here, whole, before ingestr starts. Proxies come from the usual variables.
"""

import base64
import http.client
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from workers.context import Stop
from workers.errors import StepFailed

QUIET = 60.0  # seconds without a byte after which a server counts as gone
_CHUNK = 1 << 18
_HINT = "open the address in a browser, or put the file beside the asset and name its path"


def is_address(path: str) -> bool:
    """Whether a seed's path is a URL."""
    return path.lower().startswith(("http://", "https://"))


def shown(url: str) -> str:
    """The address as a message may show it: without login and query, which can hold tokens."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the address"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def fetch(url: str, path: Path, *, most: int, timeout: float, stop: Stop) -> int:
    """Write what is at `url` to `path`; its size in bytes.

    `most` bytes are taken, within `timeout` seconds (0: no bound). StepFailed if it cannot be had.
    """
    until = time.monotonic() + timeout if timeout else None
    try:
        with _opener().open(_request(url), timeout=QUIET) as answer, path.open("wb") as file:
            return _copied(answer, file, _Bounds(url=url, most=most, until=until, stop=stop))
    except urllib.error.HTTPError as error:
        reason = str(error.reason).replace(error.url, shown(error.url))  # where a redirect leads
        raise _failed(url, f"the server answered {error.code} {reason}") from None
    except urllib.error.URLError as error:
        raise _failed(url, str(error.reason)) from None
    except (http.client.InvalidURL, UnicodeError):  # their text is the address, login and all
        raise _failed(url, "the address holds what none may hold, or its port is none") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _failed(url, str(error) or type(error).__name__) from None


def _request(url: str) -> urllib.request.Request:
    """A login in the address becomes a header, which is not sent where a redirect leads."""
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    bare = urlunsplit(parts._replace(netloc=host))
    request = urllib.request.Request(bare, headers={"User-Agent": "bruin-fleet"})  # noqa: S310
    if at:
        word = base64.b64encode(unquote(login).encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {word}")
    return request


def _opener() -> urllib.request.OpenerDirector:
    """It knows the web only: a redirect to a file or an FTP server is an error."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    url: str
    most: int
    until: float | None
    stop: Stop

    def check(self, size: int) -> None:
        """Fail if there is too much of it, or it takes too long."""
        if size > self.most:
            raise _failed(self.url, f"it has more than {self.most:,} bytes; see `seed_max_bytes`")
        if self.stop.reason:
            raise StepFailed("cancelled", self.stop.reason)
        if self.until is not None and time.monotonic() > self.until:
            message = f"{shown(self.url)} was not there within the asset's timeout"
            raise StepFailed("timeout", message)


def _copied(answer: Any, file: Any, bounds: _Bounds) -> int:
    wanted = int(answer.headers.get("Content-Length") or 0)
    size = 0
    while chunk := answer.read(_CHUNK):
        if not size and chunk.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
            raise _failed(bounds.url, "the server sent a web page, not a data file")
        size += len(chunk)
        bounds.check(size)
        file.write(chunk)
    if wanted and size != wanted:
        raise _failed(bounds.url, f"the connection ended after {size:,} of {wanted:,} bytes")
    return size


def _failed(url: str, why: str) -> StepFailed:
    return StepFailed("load", f"cannot fetch {shown(url)}: {why}", hint=_HINT)
