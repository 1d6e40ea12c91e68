"""Hosts whose clocks are minutes apart: the broker's clock counts, and the catalog's."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog import claims, levels, recover, workers
from catalog.claims import Claim
from catalog.workers import WorkerInfo
from tests.support.broker import Valkey
from tests.support.fleet import Fleet, asset
from workers import transport
from workers.contract import VERSION

_AHEAD = 180.0  # seconds
_true = time.time


class Clock:
    """A host's clock, for the transport's module only."""

    def __init__(self, ahead: float) -> None:
        self.ahead = ahead

    monotonic = staticmethod(time.monotonic)

    def time(self) -> float:
        """What this host believes."""
        return _true() + self.ahead


@pytest.fixture
def fleet(tmp_path: Path, valkey: Valkey) -> Iterator[Fleet]:
    """A fleet without workers; a message that nobody renews comes back after a minute."""
    fleet = Fleet(tmp_path, valkey)
    yield fleet
    fleet.close()


def _channel(fleet: Fleet) -> Any:
    connection: Any = fleet.app.connection_for_read()  # type: ignore[no-untyped-call]
    channel = connection.channel()
    channel.queue_declare("fleet.advance")
    return channel


def _held(fleet: Fleet) -> list[str]:
    found = fleet.valkey.client().zrange(f"{fleet.settings.fleet}:unacked_index", 0, -1)
    return [str(tag) for tag in found]


@pytest.mark.parametrize("ahead", [_AHEAD, -_AHEAD])
def test_a_host_with_a_wrong_clock_takes_nobodys_message(
    ahead: float, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks for lost messages three minutes too early, or holds one three minutes too long."""
    fleet.submit([asset("a")])
    holder, looker = _channel(fleet), _channel(fleet)
    monkeypatch.setattr(transport, "time", Clock(min(ahead, 0.0)))
    assert holder.basic_get("fleet.advance") is not None
    assert len(_held(fleet)) == 1
    monkeypatch.setattr(transport, "time", Clock(max(ahead, 0.0)))
    looker.qos.restore_visible(num=10)
    assert len(_held(fleet)) == 1, "a message that is worked on was given away"
    client, index = fleet.valkey.client(), f"{fleet.settings.fleet}:unacked_index"
    client.zincrby(index, -61, _held(fleet)[0])  # nobody has renewed it for a minute
    looker.qos.restore_visible(num=10)
    assert not _held(fleet), "a lost message was not given back"


def test_leases_and_heartbeats_ask_the_catalogs_clock(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this host believes of the time changes neither who is lost nor who lives."""
    fleet.submit([asset("a")], send=False)
    with monkeypatch.context() as wrong:
        wrong.setattr(time, "time", lambda: _true() + _AHEAD)
        levels.begin(fleet.engine, "aaaaa")
        claim = claims.claim(
            fleet.engine, "aaaaa", "a", "script", worker="w1", pid=1, lease=100, contract=VERSION
        )
        assert isinstance(claim, Claim)
        info = WorkerInfo(name="w1", fleet=fleet.settings.fleet, host="ahead", pid=1)
        workers.register(fleet.engine, info)
        assert recover.lost(fleet.engine, fleet.settings.fleet, losses_allowed=3) == []
        assert len(workers.living(fleet.engine, fleet.settings.fleet, 100)) == 1
    (view,) = workers.living(fleet.engine, fleet.settings.fleet, 100)
    assert 0 <= view.silent < 100
