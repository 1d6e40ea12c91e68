"""Ports for servers that a command is about to start: nobody else gets one before they listen.

Used by dispatcher.valkey and dispatcher.flower.
"""

import socket
import sys
from dataclasses import dataclass

_HERE = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Claim:
    """A port that is ours until it is let go, to be done once the server listens."""

    port: int
    _held: socket.socket

    def let_go(self) -> None:
        """Leave it to the server."""
        self._held.close()


def any_free() -> Claim:
    """Any port that is free."""
    held = socket.socket()
    held.bind((_HERE, 0))
    port: int = held.getsockname()[1]
    if sys.platform == "linux":
        # now a server that asks for the same may bind beside us; the system gives it to nobody else
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    else:
        held.close()
    return Claim(port, held)


def this(port: int) -> Claim | None:
    """This very port; None if somebody listens there, or another command has claimed it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held = socket.socket(type=socket.SOCK_DGRAM)  # a token: the server itself listens on TCP
        try:
            probe.bind((_HERE, port))
            held.bind((_HERE, port))
        except OSError:
            held.close()
            return None
    return Claim(port, held)
