"""Metrics of a fleet with a real broker and catalog: what Prometheus and an autoscaler read."""

import json
import socket
import struct
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dispatcher.metrics import FleetCollector, serve
from tests.support.broker import Valkey
from tests.support.fleet import Fleet, asset, wait_for


@pytest.fixture
def fleet(tmp_path: Path, valkey: Valkey) -> Iterator[Fleet]:
    """A fleet with one worker of two slots, which runs two of three long scripts."""
    fleet = Fleet(tmp_path, valkey, host="blue")
    fleet.worker("w1")
    fleet.submit([asset(name, script_hangs=1) for name in ("a", "b", "c")])
    wait_for(lambda: len(fleet.notes()) == 2)
    yield fleet
    fleet.close()


@pytest.fixture
def address(fleet: Fleet) -> Iterator[str]:
    """Where the exporter listens."""
    with serve(FleetCollector(fleet.engine, fleet.settings), "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=120) as answer:
        return str(answer.read().decode())


def _samples(address: str) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(_get(f"{address}/metrics"))
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_prometheus_reads_runs_steps_workers_and_messages(fleet: Fleet, address: str) -> None:
    """Two steps run, one waits; its message lies at the broker; the host has two slots."""
    wait_for(lambda: _samples(address).get(("fleet_broker_messages", "fleet"), 0) == 1)
    found = _samples(address)
    assert found["fleet_runs", "running"] == 1
    assert found["fleet_steps_running", "fleet"] == 2
    assert found["fleet_steps_ready", "fleet"] == 1
    assert 0 < found["fleet_oldest_ready_seconds", "fleet"] < 3600
    assert (found["fleet_catalog_up",], found["fleet_broker_up",]) == (1, 1)
    hosts = {key[1]: value for key, value in found.items() if key[0] == "fleet_host_slots"}
    assert list(hosts.values()) == [2]


def test_an_autoscaler_reads_how_much_work_a_queue_has(address: str) -> None:
    """What could run and what runs, so that scaling down does not take busy workers away."""
    (queue,) = json.loads(_get(f"{address}/queues"))["queues"]
    assert (queue["name"], queue["work"], queue["ready"], queue["running"]) == ("fleet", 3, 1, 2)
    assert _get(f"{address}/healthy") == "ok\n"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        _get(f"{address}/elsewhere")


def test_a_broker_that_is_away_is_a_figure_not_an_error(fleet: Fleet) -> None:
    """The catalog's figures are there all the same."""
    away = replace(fleet.settings, broker="redis://127.0.0.1:9/0")
    families = {family.name: family for family in FleetCollector(fleet.engine, away).collect()}
    assert families["fleet_broker_up"].samples[0].value == 0
    assert "fleet_broker_messages" not in families
    assert families["fleet_catalog_up"].samples[0].value == 1


def test_who_asks_and_goes_leaves_no_traceback(
    address: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """As Prometheus does when a scrape takes too long."""
    host, port = urlsplit(address).netloc.split(":")
    for part in (b"GET /met", b"GET /metrics HTTP/1.0\r\n\r\n"):
        with socket.create_connection((host, int(port))) as link:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            link.sendall(part)
    assert _samples(address)["fleet_catalog_up",] == 1
    wait_for(lambda: "process_request_thread" not in str(threading.enumerate()))
    assert "Traceback" not in capfd.readouterr().err
