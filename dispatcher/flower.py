"""Flower on loopback with a password, as a process of its own. For `fleet up` and `flower`.

Its password and the broker's address travel in its environment: no command line shows them.
"""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from dispatcher import embedded, ports
from dispatcher.processes import spawn
from workers.settings import Settings

USER = "fleet"
PORT = 5555
_claims: list[ports.Claim] = []  # of this command, which ends once its Flower answers


def start(settings: Settings, log: Path) -> tuple[Mapping[str, str], int]:
    """Start Flower, detached; where it is and how to sign in, and its process id."""
    page = sign_in(settings, free_port())
    process = spawn(argv(), environ(settings, page), log, bound=False)
    return page, process.pid


def sign_in(settings: Settings, port: int, address: str = "127.0.0.1") -> dict[str, str]:
    """An address, and who may look: the setting flower_auth, else a new password."""
    host = f"[{address}]" if ":" in address else address
    user, _, password = settings.flower_auth.partition(":")
    who = {"user": user or USER, "password": password or secrets.token_urlsafe(12)}
    return {"url": f"http://{host}:{port}", "address": address} | who


def shown(settings: Settings, page: Mapping[str, str]) -> str:
    """What a person needs to sign in; a password that was set is known and not repeated."""
    told = settings.flower_auth == f"{page['user']}:{page['password']}"
    password = "as set by flower_auth" if told else page["password"]
    return f"flower   {page['url']}   user {page['user']}   password {password}"


def argv() -> list[str]:
    """The command that is Flower with our app."""
    return [sys.executable, "-P", "-m", "dispatcher.flower"]


def environ(settings: Settings, page: Mapping[str, str]) -> dict[str, str]:
    """What Flower reads its settings from: it looks at the broker and changes nothing."""
    needless = {"FLEET_CATALOG": "", "FLEET_MESSAGE_KEY": "", "FLEET_FLOWER_AUTH": ""}
    return (
        embedded.worker_environ(settings)
        | needless
        | {
            "FLOWER_READ_ONLY": "true",
            "FLOWER_UNAUTHENTICATED_API": "",
            "FLOWER_ADDRESS": page["address"],
            "FLOWER_PORT": page["url"].rpartition(":")[2],
            "FLOWER_BASIC_AUTH": f"{page['user']}:{page['password']}",
            "FLOWER_MAX_TASKS": "20000",
            "FLOWER_NATURAL_TIME": "true",
        }
    )


def answers(page: Mapping[str, str]) -> bool:
    """Whether its page can be opened: with this password, or it would be somebody else's."""
    from base64 import b64encode
    from http import HTTPStatus
    from http.client import HTTPConnection, HTTPException  # `fleet run` needs none of it

    address = urlsplit(page["url"])
    connection = HTTPConnection(address.hostname or "", address.port, timeout=5)
    words = b64encode(f"{page['user']}:{page['password']}".encode()).decode()
    try:
        connection.request(
            "GET", "/api/workers?status=1", headers={"Authorization": f"Basic {words}"}
        )
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def free_port() -> int:
    """Flower's usual port if it is free, else any other; no other command gets it meanwhile."""
    claim = ports.this(PORT) or ports.any_free()
    _claims.append(claim)
    return claim.port


def main() -> None:
    """Be Flower: called in a process of its own."""
    from workers.app import make_app

    app = make_app(Settings.load(os.environ))
    # Flower reads its options from FLOWER_*; the flags here have no secret
    app.start(["flower", "--logging=warning"])  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
