"""Reads from the lifelines of kept processes, whose messages have a length before them.

Their own ends (supervisor_main, duckdb_child) are run by path, in isolation, and stand alone.
"""

import contextlib
import socket


def exactly(sock: socket.socket, size: int) -> bytes:
    """So many bytes of the stream; nothing if its other end is gone."""
    data = bytearray()
    with contextlib.suppress(ConnectionError):
        while len(data) < size and (more := sock.recv(size - len(data))):
            data += more
    return bytes(data) if len(data) == size else b""
