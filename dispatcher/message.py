"""The one message that begins a run, sent without Celery to a Valkey that is ours.

Importing Celery and its client takes longer than many a run. The fleets that this command started
itself speak plain RESP on loopback, so a few bytes do; other brokers (TLS, clusters, ACLs) get the
same message through Celery, see dispatcher.submit. A test holds the two equal.
"""

import base64
import json
import os
import socket
import uuid
from typing import Any
from urllib.parse import unquote, urlsplit

from workers import contract
from workers.settings import Settings
from workers.signing import Signer

_SECONDS = 5.0


def first(signer: Signer, pipeline: str, run_id: str) -> dict[str, Any]:
    """Celery's message (protocol 2) for contract.advance_signature, as kombu writes it."""
    meaning = contract.advance_meaning(run_id)
    task_id = str(uuid.uuid4())
    embed = dict.fromkeys(("callbacks", "errbacks", "chain", "chord"))
    body = json.dumps([[run_id], {}, embed]).encode()
    return {
        "body": base64.b64encode(body).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": _headers(pipeline, run_id, task_id) | signer.header(meaning),
        "properties": {
            "correlation_id": task_id,
            "reply_to": str(uuid.uuid4()),
            "argsrepr": f"({run_id})",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": meaning.queue},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
    }


def _headers(pipeline: str, run_id: str, task_id: str) -> dict[str, Any]:
    nothing = ("eta", "expires", "group", "group_index", "parent_id", "stamped_headers")
    return dict.fromkeys(nothing) | {
        "lang": "py",
        "task": contract.ADVANCE,
        "id": task_id,
        "root_id": task_id,
        "shadow": contract.shown(pipeline, run_id, "advance"),
        "retries": 0,
        "timelimit": [None, None],
        "argsrepr": f"({run_id})",
        "kwargsrepr": "{}",
        "origin": f"fleet{os.getpid()}@{socket.gethostname()}",
        "ignore_result": True,
        "replaced_task_nesting": 0,
        "stamps": {},
    }


def push(settings: Settings, message: dict[str, Any]) -> None:
    """Put a message into the queue of a Valkey on this host; OSError if it does not take it."""
    where = urlsplit(settings.broker)
    key = f"{settings.fleet}:{message['properties']['delivery_info']['routing_key']}"
    commands = (
        ("AUTH", unquote(where.password or "")),
        ("LPUSH", key, json.dumps(message)),
    )
    address = (where.hostname or "127.0.0.1", where.port or 6379)
    with socket.create_connection(address, timeout=_SECONDS) as link:
        link.sendall(b"".join(_encoded(words) for words in commands))
        answer = b""
        while answer.count(b"\r\n") < len(commands) and (part := link.recv(1024)):
            answer += part
    if not answer.startswith(b"+OK\r\n:"):
        raise OSError(f"the broker answered {answer[:80]!r}")


def _encoded(words: tuple[str, ...]) -> bytes:
    """A command in RESP, the protocol of Redis."""
    texts = [word.encode() for word in words]
    parts = b"".join(b"$%d\r\n%s\r\n" % (len(text), text) for text in texts)
    return b"*%d\r\n%s" % (len(texts), parts)
