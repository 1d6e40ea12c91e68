"""Ports for servers of tests."""

import secrets
import socket

_LOWEST, _HIGHEST = 10_000, 32_000


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nobody listens on, and that the system gives to no outgoing connection.

    Those have the ports above: one of them could go to a client of another test before the server
    has started, or while it is down.
    """
    for _ in range(100):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        with socket.socket() as probe:
            try:
                probe.bind((address, port))
            except OSError:
                continue
        return port
    raise RuntimeError(f"no free port at {address}")
