"""Decides which messages a worker lets in: whole ones of this fleet, signed, in their own queue.

workers.transport asks `misshapen` of whatever comes from the broker, before Celery touches it;
`Gate`, a step of Celery's consumer, asks `Inspection` before a task is looked for. A message that
is refused is dropped with a word in the log: the catalog knows what is still to be done.
"""

import base64
import binascii
import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from celery import bootsteps
from kombu.exceptions import ContentDisallowed, DecodeError

from workers import contract, signing
from workers.signing import Meaning, Signer

logger = logging.getLogger(__name__)

MOST = 1_000_000  # bytes of a body; ours have a few thousand
_CONTROL, _REPLY = ".celery.pidbox", ".reply.celery.pidbox"  # end the names of mailboxes
_LINKS = 12  # of a chain; ours has one for each step
_DEPTH = 4  # of links that carry links: chain -> chord's body -> errback

_ID = re.compile(r"[0-9a-f-]{36}")
_EMBEDS = ("callbacks", "errbacks", "chain", "chord")
_CARRIED = ("link", "link_error", "chain", "chord")  # the same, as options of a signature
#: What a link's options may say beside the links that it carries.
_OPTIONS = frozenset(
    {
        *("task_id", "group_id", "group_index", "root_id", "parent_id", "reply_to"),
        *("queue", "priority", "shadow", "argsrepr", "kwargsrepr", "headers", "immutable"),
    }
)
_IDS = ("root_id", "parent_id", "group", "group_id")
_EMPTY = ("eta", "expires", "retries", "stamps", "stamped_headers", "compression")
_TEXTS = ("shadow", "argsrepr", "kwargsrepr", "origin", "lang")


class Refused(ValueError):
    """The message is not let in; the text says why."""


def misshapen(raw: Any, queue: str) -> str:
    """Why something from the broker is no message for this queue; empty if it is one."""
    try:
        properties, where = raw["properties"], raw["properties"]["delivery_info"]
        texts = (properties["delivery_tag"], where["exchange"], where["routing_key"], raw["body"])
        if not all(isinstance(text, str) for text in texts):
            return "its envelope is not one of Celery's"
        if not isinstance(raw.get("headers") or {}, Mapping):
            return "its headers are none"
    except (KeyError, TypeError, AttributeError):
        return "its envelope is not one of Celery's"
    fault = _bad_body(raw, properties)
    if fault or not queue.endswith(_CONTROL) or queue.endswith(_REPLY):
        return fault
    return "" if _is_command(raw["body"]) else "it is no control command"


def _bad_body(raw: Mapping[str, Any], properties: Mapping[str, Any]) -> str:
    if len(raw["body"]) > MOST:
        return f"it has {len(raw['body']):,} bytes, at most {MOST:,} are let in"
    if (raw.get("content-type"), raw.get("content-encoding")) != ("application/json", "utf-8"):
        return f"its content type is {raw.get('content-type')!r:.50}; only JSON is let in"
    if properties.get("body_encoding") != "base64":
        return "its body is not in base64"
    if (raw.get("headers") or {}).get("compression"):
        return "its body is compressed"
    try:
        base64.b64decode(raw["body"], validate=True).decode()
    except (binascii.Error, ValueError):
        return "its body cannot be decoded"
    return ""


def _is_command(body: str) -> bool:
    """Whether Celery understands it: it would close and open its mailbox otherwise."""
    try:
        said = json.loads(base64.b64decode(body))
        replies = said.get("reply_to") or {"exchange": "", "routing_key": ""}
        where = [replies["exchange"], replies["routing_key"], said.get("ticket") or ""]
        return (
            all(isinstance(text, str) for text in [said["method"], *where])
            and isinstance(said.get("arguments") or {}, dict)
            and isinstance(said.get("destination") or [], list)
            and not said.get("pattern")
        )
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return False


class Inspection:
    """Reads task messages and what they carry on; raises Refused."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def message(self, headers: Mapping[str, Any], content: Any, queue: str) -> None:
        """One message as it was taken from `queue`."""
        for name in _EMPTY:
            if headers.get(name):
                raise Refused(f"its header {name} is set")
        if any(headers.get("timelimit") or ()):
            raise Refused("its header timelimit is set")
        self._names(headers, headers.get("id"))
        if not isinstance(content, list) or len(content) != 3:
            raise Refused("its body is not that of a task")
        args, kwargs, embed = content
        self._meant(headers.get("task"), queue, args, kwargs, headers)
        self._carried(embed, _EMBEDS, _DEPTH)

    def _names(self, holder: Mapping[str, Any], own: Any) -> None:
        for value in (own, *(holder.get(name) for name in _IDS)):
            if value is not None and not (isinstance(value, str) and _ID.fullmatch(value)):
                raise Refused("an id in it is none")
        for name in _TEXTS:
            if not isinstance(holder.get(name), str | None):
                raise Refused(f"{name} in it is no text")

    def _meant(
        self, task: Any, queue: Any, args: Any, kwargs: Any, headers: Mapping[str, Any]
    ) -> None:
        if not isinstance(task, str) or task not in contract.TASKS:
            raise Refused(f"it asks for {task!r:.80}, which is no task of a fleet")
        if not isinstance(queue, str):
            raise Refused("a link in it names no queue")
        meaning = _meaning(task, queue, args, kwargs)
        if fault := self._signer.fault(meaning, headers):
            raise Refused(fault)

    def _carried(self, holder: Any, names: tuple[str, ...], depth: int) -> None:
        """The links in `holder`, each with what it carries in turn."""
        if not isinstance(holder, Mapping) or depth == 0:
            raise Refused("its links are not those of a fleet")
        for name in names:
            links = holder.get(name) or []
            links = links if isinstance(links, list) else [links]
            if len(links) > _LINKS:
                raise Refused("it has too many links")
            for link in links:
                self._link(link, depth)

    def _link(self, link: Any, depth: int) -> None:
        if not isinstance(link, Mapping) or not isinstance(link.get("options"), Mapping):
            raise Refused("a link in it is no signature")
        options = link["options"]
        if link.get("subtask_type") or not link.get("immutable"):
            raise Refused("a link in it is not a plain one")
        if unknown := options.keys() - _OPTIONS - set(_CARRIED):
            raise Refused(f"a link in it has the option {min(unknown)!r:.50}")
        headers = options.get("headers")
        if not isinstance(headers, Mapping) or headers.keys() != {signing.HEADER}:
            raise Refused("a link in it is not signed")
        self._names(options, options.get("task_id"))
        args, kwargs = link.get("args"), link.get("kwargs")
        self._meant(link.get("task"), options.get("queue"), args, kwargs, headers)
        self._carried(options, _CARRIED, depth - 1)


def _meaning(task: str, queue: str, args: Any, kwargs: Any) -> Meaning:
    advances = task in (contract.ADVANCE, contract.ADVANCE_FAILED)
    allowed = ({},) if advances else ({}, {"detached": True})
    if not isinstance(args, list) or len(args) != (1 if advances else 2) or kwargs not in allowed:
        raise Refused("its arguments are not those of the task")
    try:
        run = contract.check_run_id(args[0])
        asset = "" if advances else contract.check_asset(args[1])
    except contract.BadMessageError as error:
        raise Refused(str(error)) from error
    return Meaning(task, queue, run, asset, detached=bool(kwargs))


class Gate(bootsteps.StartStopStep):
    """Consumer step: lets only signed messages through, and knows no task but the fleet's."""

    requires = ("celery.worker.consumer.tasks:Tasks",)  # type: ignore[assignment]

    def start(self, consumer: Any) -> None:
        """Stand before Celery's own handler; forget its built-in tasks (map, chord, clean-up)."""
        for name in set(consumer.strategies) - contract.TASKS:
            del consumer.strategies[name]
        inspection = Inspection(signing.of(consumer.app))
        make = type(consumer).create_task_handler

        def create_task_handler(*args: Any, **kwargs: Any) -> Any:
            handle = make(consumer, *args, **kwargs)
            return lambda message: _let_in(inspection, consumer, message) and handle(message)

        consumer.create_task_handler = create_task_handler


def _let_in(inspection: Inspection, consumer: Any, message: Any) -> bool:
    queue = message.delivery_info.get("routing_key")
    try:
        if queue != message.delivery_info.get("taken_from"):
            raise Refused("it was moved here from another queue")
        inspection.message(message.headers or {}, message.payload, queue)
    except (Refused, DecodeError, ContentDisallowed) as error:
        logger.warning("refused a message in queue %.80r: %s", queue, error)
        message.ack_log_error(logger, consumer.connection_errors)
        return False
    return True
