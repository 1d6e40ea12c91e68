"""Messages as somebody would forge them who can write to the broker. For test_forged_messages."""

import base64
import copy
import json
import pickle
import zlib
from collections.abc import Callable
from typing import Any

import redis
from celery import Celery

from tests.support.fleet import Fleet, wait_for
from workers import contract, queues
from workers.app import make_app
from workers.settings import Settings

Raw = dict[str, Any]


class Forger:
    """Knows the broker's address and has seen genuine messages; has no key."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.broker: redis.Redis = redis.Redis.from_url(fleet.valkey.url)
        self._mark = 0

    def genuine(self, make: Callable[[Celery], Any]) -> Raw:
        """The message of a signature of the fleet's own, caught before a worker gets it."""
        aside = make_app(_aside(self.fleet.settings))
        client = redis.Redis.from_url(_aside(self.fleet.settings).broker)
        client.flushdb()
        make(aside).apply_async()
        (key,) = [k for k in client.scan_iter("*") if client.type(k) == b"list"]
        found: Raw = json.loads(client.lpop(key))
        aside.close()
        return found

    def advance(self, run_id: str) -> Raw:
        """A genuine message that moves a run on."""
        return self.genuine(lambda app: contract.advance_signature(app, "shop", run_id))

    def step(self, run_id: str, asset: str) -> Raw:
        """A genuine message for the script of an asset."""
        return self.genuine(
            lambda app: contract.step_signature(app, "shop", run_id, asset, "script", detached=True)
        )

    def push(self, message: Raw | bytes | str, queue: str = queues.CONTROL) -> None:
        """Put it into a queue of the worker's."""
        text = json.dumps(message) if isinstance(message, dict) else message
        self.broker.lpush(f"{self.fleet.settings.fleet}:{queue}", text)

    def log(self) -> str:
        """What the worker wrote since the last look that found something."""
        return (self.fleet.folder / "w1.out").read_text("utf-8")[self._mark :]

    def is_refused(self, words: str) -> None:
        """Wait for the worker to say so."""
        wait_for(lambda: words in self.log())
        self.forget()

    def forget(self) -> None:
        """Look no more at what the worker has written so far."""
        self._mark += len(self.log())


def _aside(settings: Settings) -> Settings:
    """The same fleet with another database of the broker."""
    broker = settings.broker.rpartition("/")[0] + "/1"
    own = {k: v for k, v in settings.as_environ().items() if k != "FLEET_BROKER"}
    return Settings.load(own, {"broker": broker})


def body_of(message: Raw) -> Any:
    """Arguments, keywords and links of a message."""
    return json.loads(base64.b64decode(message["body"]))


def with_body(message: Raw, body: Any) -> Raw:
    """The message with another body."""
    return message | {"body": base64.b64encode(json.dumps(body).encode()).decode()}


def with_args(message: Raw, *args: Any) -> Raw:
    """The message with other arguments."""
    return with_body(message, [list(args), *body_of(message)[1:]])


def with_headers(message: Raw, **headers: Any) -> Raw:
    """The message with other headers."""
    return copy.deepcopy(message) | {"headers": message["headers"] | headers}


def with_links(message: Raw, **links: Any) -> Raw:
    """The message with other links."""
    args, kwargs, embed = body_of(message)
    return with_body(message, [args, kwargs, embed | links])


def link(task: str, *args: Any, **options: Any) -> dict[str, Any]:
    """A link as Celery writes it, not signed."""
    said = {"queue": queues.CONTROL} | options
    shape = {"kwargs": {}, "subtask_type": None, "immutable": True}
    return shape | {"task": task, "args": list(args), "options": said}


def pickled(message: Raw, mark: str) -> Raw:
    """A body that makes a file where it is unpickled."""
    body = pickle.dumps(_Bomb(mark))
    kind = {"content-type": "application/x-python-serialize", "content-encoding": "binary"}
    return message | kind | {"body": base64.b64encode(body).decode()}


def compressed(message: Raw) -> Raw:
    """A body that grows a thousandfold."""
    body = base64.b64encode(zlib.compress(b"0" * 50_000_000)).decode()
    return with_headers(message | {"body": body}, compression="application/x-gzip")


class _Bomb:
    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return open, (self.mark, "w")
