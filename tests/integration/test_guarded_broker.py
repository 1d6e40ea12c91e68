"""A broker with users of few rights (deploy/valkey/users.acl), and with TLS: whole runs go on."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from catalog import workers
from tests.support.fleet import Fleet, asset, wait_for
from tests.support.guarded_broker import GuardedBroker, guarded, tls_server
from workers import contract, livelog
from workers.app import make_app
from workers.settings import Settings


@pytest.fixture(params=["plain", "tls"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GuardedBroker]:
    """Valkey without TLS, and whatever server of this machine knows TLS."""
    binary = tls_server() if request.param == "tls" else ""
    if binary is None:
        pytest.skip("TLS is not proven here: neither valkey-server nor redis-server is installed")
    with guarded(tmp_path / "broker", binary) as server:
        yield server


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedBroker]:
    """One without TLS for all who only ask."""
    with guarded(tmp_path_factory.mktemp("asked") / "broker") as server:
        yield server


@pytest.fixture
def fleet(broker: GuardedBroker, tmp_path: Path) -> Iterator[Fleet]:
    """A fleet whose worker signs in as the user `worker`."""
    fleet = Fleet(tmp_path, broker, broker=broker.url("worker"))  # type: ignore[arg-type]
    yield fleet
    fleet.close()


def _as(fleet: Fleet, url: str) -> Settings:
    environ = {k: v for k, v in fleet.settings.as_environ().items() if k != "FLEET_BROKER"}
    return Settings.load(environ, {"broker": url})


def test_a_whole_run_needs_no_right_that_is_not_given(fleet: Fleet, broker: GuardedBroker) -> None:
    """Worker, who submits and follows, Flower: nobody is denied anything, all keys are theirs."""
    fleet.worker()
    wait_for(lambda: workers.living(fleet.engine, fleet.settings.fleet))
    flower = make_app(_as(fleet, broker.url("flower")))
    seen, watching = _watch(flower)
    wait_for(watching.is_set)
    submits = _as(fleet, broker.url("submit"))
    first = [
        asset("a", "materialize", "load", "checks", load_lines=2),
        asset("bad", script_fails="x"),
    ]
    fleet.submit(first, [asset("b", upstreams=("a",))], send=False)
    contract.advance_signature(make_app(submits), "shop", "aaaaa").apply_async()
    assert fleet.wait("aaaaa") == "failed"
    assert fleet.states("aaaaa") == {"a": "succeeded", "bad": "failed", "b": "succeeded"}
    lines = list(livelog.Follower(livelog.client(submits), "default", "aaaaa").read(1.0))
    assert "a line 0" in [line.text for line in lines]
    wait_for(lambda: flower.control.inspect(timeout=5, limit=1).ping())
    wait_for(lambda: "task-succeeded" in seen)
    assert broker.denied() == []
    assert [key for key in broker.admin().scan_iter("*") if not key.startswith("default:")] == []


def _watch(app: Any) -> tuple[list[str], threading.Event]:
    """The kinds of events that Flower's user gets, and whether it listens by now."""
    seen: list[str] = []
    listens = threading.Event()

    def capture() -> None:
        with app.connection() as connection:
            receiver = app.events.Receiver(connection)

            def take(event: dict[str, Any]) -> None:
                seen.append(event["type"])
                receiver.should_stop = event["type"] == "task-succeeded"

            receiver.handlers = {"*": take}
            for _ in receiver.itercapture(timeout=120, wakeup=False):
                listens.set()

    threading.Thread(target=capture, daemon=True).start()
    return seen, listens


@pytest.mark.parametrize(
    "words",
    [
        ("FLUSHALL",),
        ("CONFIG", "SET", "dir", "/tmp"),
        ("KEYS", "*"),
        ("EVAL", "return 1", "0"),
        ("SCRIPT", "FLUSH"),
        ("REPLICAOF", "127.0.0.1", "1"),
        ("ACL", "LIST"),
        ("GET", "other-fleet:x"),
        ("LPUSH", "other-fleet:fleet", "x"),
        ("PUBLISH", "other-fleet:/0.celery.pidbox", "x"),
    ],
)
def test_what_is_not_needed_is_denied(plain: GuardedBroker, words: tuple[str, ...]) -> None:
    """To every user."""
    for user in ("worker", "submit", "flower"):
        client = redis.Redis.from_url(plain.url(user))
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*words)


def test_nobody_is_let_in_without_a_password(plain: GuardedBroker) -> None:
    client = redis.Redis(port=plain.port, retry=Retry(NoBackoff(), 0))
    with pytest.raises(redis.exceptions.AuthenticationError):
        client.ping()


def test_certificates_are_checked(fleet: Fleet, broker: GuardedBroker) -> None:
    """Neither an authority that nobody named nor another host's certificate will do."""
    if broker.authority is None:
        pytest.skip("without TLS there are none")
    url = broker.url("worker")
    for wrong in (broker.url("worker", ssl_ca_certs=""), url.replace("127.0.0.1", "localhost")):
        with make_app(_as(fleet, wrong)) as app, pytest.raises(Exception, match=r"(?i)certificate"):
            app.connection().ensure_connection(max_retries=1, timeout=2)
        with pytest.raises(redis.ConnectionError, match=r"(?i)certificate"):
            livelog.client(_as(fleet, wrong)).ping()
