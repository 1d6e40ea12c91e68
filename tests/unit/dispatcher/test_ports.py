"""dispatcher.ports: a port stays ours until the server is there."""

import socket
import sys

import pytest

from dispatcher import flower, ports

HERE = "127.0.0.1"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a port cannot be kept")
def test_a_free_port_is_given_to_nobody_but_its_server() -> None:
    claim = ports.any_free()
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind((HERE, claim.port))
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((HERE, claim.port))
        server.listen()
        claim.let_go()
        socket.create_connection((HERE, claim.port)).close()


def test_a_named_port_is_claimed_once() -> None:
    """Also while nobody listens there yet; a second command takes another one."""
    port = ports.any_free()
    port.let_go()
    first = ports.this(port.port)
    assert first
    assert ports.this(port.port) is None
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((HERE, port.port))
        server.listen()
        first.let_go()
        assert ports.this(port.port) is None


def test_two_flowers_get_two_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = ports.any_free()
    usual.let_go()
    monkeypatch.setattr(flower, "PORT", usual.port)
    monkeypatch.setattr(flower, "_claims", [])
    found = [flower.free_port(), flower.free_port()]
    assert found[0] == usual.port != found[1]
    for claim in flower._claims:
        claim.let_go()
