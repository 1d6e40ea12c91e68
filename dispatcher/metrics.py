"""Prometheus metrics of a fleet, and the length of its queues as JSON. Used by `fleet metrics`.

Three addresses: /metrics for Prometheus, /queues for whoever scales workers (KEDA), /healthy for
probes. The catalog is the source; the broker adds how many messages lie there.
"""

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry
from redis import Redis, RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from catalog import figures
from catalog.figures import Figures
from workers.settings import Settings

logger = logging.getLogger(__name__)

PORT = 9464
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_PRIORITIES = ("", *(f"\x06\x16{step}" for step in (3, 6, 9)))  # kombu's lists of one queue


class FleetCollector(Collector):
    """Asks catalog and broker anew at each scrape; what is away is said by `fleet_*_up`."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._redis = Redis.from_url(
            settings.broker, socket_timeout=5, socket_connect_timeout=2, decode_responses=True
        )

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: registering must not need the servers."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All families."""
        found = self.figures()
        yield _gauge("fleet_catalog_up", "1 if the catalog answered.", found is not None)
        if found is not None:
            yield from _of_catalog(found)
        yield from self._of_broker(found)

    def figures(self) -> Figures | None:
        """What the catalog says now; None while it is away."""
        try:
            return figures.of_fleet(self._engine, self._settings.fleet, self._settings.lease)
        except SQLAlchemyError as error:
            logger.warning("the catalog did not answer: %s", error)
            return None

    def _of_broker(self, found: Figures | None) -> Iterator[Metric]:
        names = {queue.name for queue in found.queues} if found else set()
        try:
            lengths = self._lengths(sorted(names | set(self._settings.queues)))
            unacked = self._redis.zcard(f"{self._settings.fleet}:unacked_index")
        except RedisError as error:
            logger.warning("the broker did not answer: %s", error)
            yield _gauge("fleet_broker_up", "1 if the broker answered.", 0)
            return
        yield _gauge("fleet_broker_up", "1 if the broker answered.", 1)
        yield _gauge("fleet_broker_unacked", "Messages that workers hold now.", unacked)
        yield _gauges("fleet_broker_messages", "Messages that lie in a queue.", "queue", lengths)

    def _lengths(self, queues: list[str]) -> dict[str, float]:
        pipe = self._redis.pipeline(transaction=False)
        for name in queues:
            for priority in _PRIORITIES:
                pipe.llen(f"{self._settings.fleet}:{name}{priority}")
        found = pipe.execute()
        each = len(_PRIORITIES)
        return {name: sum(found[at * each : (at + 1) * each]) for at, name in enumerate(queues)}


def queues(found: Figures) -> dict[str, Any]:
    """What scales workers: for each queue the steps that run or could run (`work`), and why."""
    rows = [
        {
            "name": queue.name,
            "work": queue.ready + queue.running,
            "ready": queue.ready,
            "waiting": queue.waiting,
            "running": queue.running,
            "oldest_seconds": round(queue.oldest, 3),
        }
        for queue in found.queues
    ]
    return {"v": 1, "queues": rows}


def serve(collector: FleetCollector, address: str, port: int) -> ThreadingHTTPServer:
    """The server, bound but not yet serving; OSError if the port is taken."""
    registry = CollectorRegistry()
    registry.register(collector)
    pages: dict[str, Callable[[], tuple[str, bytes] | None]] = {
        "/metrics": lambda: (_TEXT, generate_latest(registry)),
        "/queues": lambda: _queues_page(collector),
        "/healthy": lambda: ("text/plain", b"ok\n"),
    }

    class Handler(BaseHTTPRequestHandler):
        server_version = "fleet"
        timeout = 30

        def do_GET(self) -> None:
            page = pages.get(self.path.partition("?")[0])
            answer = page() if page else None
            kind, body = answer or ("text/plain", b"not found\n" if not page else b"no catalog\n")
            self.send_response(200 if answer else 503 if page else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            logger.debug(format, *args)

    return _Server((address, port), Handler)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked may have gone before the answer, as when a scrape took too long."""
        if isinstance(error := sys.exc_info()[1], ConnectionError):
            logger.debug("%s has gone: %s", client_address, error)
        else:
            super().handle_error(request, client_address)


def _queues_page(collector: FleetCollector) -> tuple[str, bytes] | None:
    found = collector.figures()
    return ("application/json", json.dumps(queues(found)).encode()) if found is not None else None


def _of_catalog(found: Figures) -> Iterator[Metric]:
    yield _gauges("fleet_runs", "Runs that the catalog holds.", "state", found.runs)
    for name, words in (
        ("ready", "Steps that could run now and wait for a slot."),
        ("waiting", "Steps that wait for a lock, a time or an upstream look."),
        ("running", "Steps that run now."),
    ):
        values = {queue.name: getattr(queue, name) for queue in found.queues}
        yield _gauges(f"fleet_steps_{name}", words, "queue", values)
    oldest = {queue.name: queue.oldest for queue in found.queues}
    yield _gauges("fleet_oldest_ready_seconds", "Age of the oldest ready step.", "queue", oldest)
    for name, words in (
        ("workers", "Living workers."),
        ("slots", "Slots of the living workers."),
        ("draining", "Workers that take nothing new."),
        ("silent", "Seconds since the last beat of the worker heard of least."),
    ):
        values = {host.name: getattr(host, name) for host in found.hosts}
        family = {"silent": "fleet_host_silent_seconds"}.get(name, f"fleet_host_{name}")
        yield _gauges(family, words, "host", values)
    yield from _attempts(found)
    checks = CounterMetricFamily("fleet_checks", "Quality checks asked.", labels=["passed"])
    for passed in (True, False):
        checks.add_metric([str(passed).lower()], found.checks.get(passed, 0))
    yield checks
    yield _gauge("fleet_artifact_bytes", "Bytes of artifacts on storage.", found.artifact_bytes)


def _attempts(found: Figures) -> Iterator[Metric]:
    number = CounterMetricFamily("fleet_attempts", "Ended attempts.", labels=["step", "state"])
    seconds = CounterMetricFamily(
        "fleet_attempt_seconds", "Seconds of ended attempts.", labels=["step", "state"]
    )
    for tries in found.tries:
        number.add_metric([tries.step, tries.state], tries.number)
        seconds.add_metric([tries.step, tries.state], tries.seconds or 0.0)
    yield number
    yield seconds


def _gauge(name: str, words: str, value: Any) -> Metric:
    return GaugeMetricFamily(name, words, value=float(value))


def _gauges(name: str, words: str, label: str, values: Any) -> Metric:
    family = GaugeMetricFamily(name, words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], float(value))
    return family
