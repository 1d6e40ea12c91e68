"""dispatcher.message: our one message is the one that Celery would send."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from dispatcher import message, valkey
from workers import queues
from workers.app import make_app
from workers.contract import advance_signature
from workers.settings import Settings
from workers.signing import Signer


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """A Valkey of our own."""
    server = valkey.start(tmp_path, bound=True)
    server.wait()
    overrides = {"broker": server.url, "home": tmp_path, "fleet": "test", "message_key": "k" * 20}
    yield Settings.load({"FLEET_CONFIG": ""}, overrides)
    server.process.kill()
    server.process.wait()


def test_it_differs_from_celerys_in_nothing_but_ids(settings: Settings) -> None:
    """Workers must not be able to tell by which way a run was begun."""
    advance_signature(make_app(settings), "shop", "abcde").apply_async(ignore_result=True)
    message.push(settings, message.first(Signer(settings), "shop", "abcde"))
    ours, celerys = (_comparable(one) for one in _queued(settings))
    assert ours == celerys


def test_a_wrong_password_is_an_error(settings: Settings) -> None:
    """Nothing may look sent that was not."""
    wrong = Settings.load(
        {"FLEET_CONFIG": ""}, {"broker": settings.broker.replace("://:", "://:x"), "home": "/tmp"}
    )
    with pytest.raises(OSError, match="WRONGPASS"):
        message.push(wrong, message.first(Signer(settings), "shop", "abcde"))


def _queued(settings: Settings) -> list[dict[str, Any]]:
    client = redis.Redis.from_url(settings.broker)
    return [json.loads(text) for text in client.lrange(f"test:{queues.CONTROL}", 0, -1)]


def _comparable(one: dict[str, Any]) -> dict[str, Any]:
    one["body"] = json.loads(base64.b64decode(one["body"]))
    for name in ("id", "root_id", "origin"):
        assert one["headers"].pop(name)
    for name in ("correlation_id", "reply_to", "delivery_tag"):
        assert one["properties"].pop(name)
    return one
