"""Who can write to the broker can stop a fleet, but cannot make its workers run a thing."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, chain

from assets_parser.spec import Step
from catalog import runs, workers
from tests.support.broker import Valkey, running
from tests.support.fleet import Fleet, asset, wait_for
from tests.support.forging import (
    Forger,
    Raw,
    body_of,
    compressed,
    link,
    pickled,
    with_args,
    with_body,
    with_headers,
    with_links,
)
from workers import contract, queues, signing
from workers.settings import Settings

VICTIM, OTHER = "vvvvv", "ooooo"  # runs that nobody has begun; a message for the other was seen
KEY = "a key that the forger does not have"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A fleet with one worker, which does nothing that no message asks for."""
    folder = tmp_path_factory.mktemp("forged")
    with running(folder / "valkey") as server:
        fleet = Fleet(folder, server, message_key=KEY, reconcile_every=3600)
        fleet.worker()
        wait_for(lambda: workers.living(fleet.engine, fleet.settings.fleet))
        for run_id in (VICTIM, OTHER):
            fleet.submit([asset("a")], run_id=run_id, send=False)
        yield fleet
        fleet.close()


@pytest.fixture(scope="module")
def forger(fleet: Fleet) -> Forger:
    """Somebody with the broker's password."""
    return Forger(fleet)


def _unsigned(raw: Raw) -> Raw:
    forged = with_args(raw, VICTIM)
    del forged["headers"][signing.HEADER]
    return forged


def _moved(raw: Raw) -> Raw:
    raw["properties"]["delivery_info"]["routing_key"] = queues.GENERAL
    return raw


def _signed_otherwise(raw: Raw) -> Raw:
    meaning = contract.advance_meaning(VICTIM)
    other = Settings.load({"FLEET_CONFIG": ""}, {"message_key": "k" * 20, "home": "/nowhere"})
    return with_headers(with_args(raw, VICTIM), **signing.Signer(other).header(meaning))


def _protocol_1(raw: Raw) -> Raw:
    body = {"task": contract.ADVANCE, "id": raw["headers"]["id"], "args": [VICTIM], "kwargs": {}}
    return with_body(raw, body) | {"headers": {}}


def _bad_link(raw: Raw) -> Raw:
    """A genuine link with one more option: it would be sent where that says."""
    genuine = link(contract.ADVANCE, OTHER, headers={"fleet": raw["headers"]["fleet"]})
    genuine["options"]["exchange"] = "elsewhere"
    return with_links(raw, callbacks=[genuine])


VICTIMS_ADVANCE = link(contract.ADVANCE, VICTIM)
FORGERIES: dict[str, tuple[Callable[[Raw], Raw], str]] = {
    "unsigned": (_unsigned, "it is not signed"),
    "other arguments": (lambda raw: with_args(raw, VICTIM), "its signature is wrong"),
    "another task": (
        lambda raw: with_headers(raw, task=contract.ADVANCE_FAILED),
        "its signature is wrong",
    ),
    "another queue": (_moved, "moved here from another queue"),
    "another key": (_signed_otherwise, "its signature is wrong"),
    "another contract": (
        lambda raw: with_headers(raw, fleet=raw["headers"]["fleet"] | {"contract": 99}),
        "it speaks contract 99",
    ),
    "a signature that is none": (
        lambda raw: with_headers(raw, fleet={"contract": signing.VERSION, "signature": ["x"]}),
        "it is not signed",
    ),
    "protocol 1": (_protocol_1, "its body is not that of a task"),
    "a time to wait": (
        lambda raw: with_headers(raw, eta="2999-01-01T00:00:00Z"),
        "its header eta is set",
    ),
    "an id that is none": (lambda raw: with_headers(raw, id={"x": 1}), "an id in it is none"),
    "a callback": (
        lambda raw: with_links(raw, callbacks=[VICTIMS_ADVANCE]),
        "a link in it is not signed",
    ),
    "an errback": (
        lambda raw: with_links(raw, errbacks=[VICTIMS_ADVANCE]),
        "a link in it is not signed",
    ),
    "a chord's body": (
        lambda raw: with_links(raw, chord=VICTIMS_ADVANCE),
        "a link in it is not signed",
    ),
    "a chain": (lambda raw: with_links(raw, chain=[VICTIMS_ADVANCE]), "a link in it is not signed"),
    "a link with an address": (_bad_link, "has the option 'exchange'"),
    "a group as link": (
        lambda raw: with_links(raw, callbacks=[VICTIMS_ADVANCE | {"subtask_type": "group"}]),
        "not a plain one",
    ),
    "compressed": (compressed, "its body is compressed"),
    "YAML": (lambda raw: raw | {"content-type": "application/x-yaml"}, "only JSON is let in"),
    "huge": (lambda raw: with_args(raw, "x" * 2_000_000), "at most 1,000,000 are let in"),
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_forged_message_begins_nothing(fleet: Fleet, forger: Forger, kind: str) -> None:
    """It is refused in words and gone from the broker."""
    forge, words = FORGERIES[kind]
    forger.push(forge(forger.advance(OTHER)))
    forger.is_refused(words)
    _nothing_began(fleet)


@pytest.mark.parametrize(
    "task", ["celery.chord", "celery.backend_cleanup", "celery.map", "celery.chain", "os.system"]
)
def test_workers_know_no_task_but_the_fleets(fleet: Fleet, forger: Forger, task: str) -> None:
    forger.push(with_headers(forger.advance(OTHER), task=task))
    forger.is_refused("no task of a fleet")
    _nothing_began(fleet)


def test_nothing_is_unpickled(fleet: Fleet, forger: Forger, tmp_path: Path) -> None:
    mark = tmp_path / "unpickled"
    forger.push(pickled(forger.advance(OTHER), str(mark)))
    forger.is_refused("only JSON is let in")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"no JSON", "it is no JSON"),
        (b"\xff\xfe", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b"[]", "its envelope is not one of Celery's"),
        (b'{"properties": {"delivery_info": 3}}', "its envelope is not one of Celery's"),
    ],
)
def test_what_is_no_message_ends_no_worker(forger: Forger, text: bytes, words: str) -> None:
    """Celery's worker would end with an unrecoverable error."""
    forger.push(text)
    forger.is_refused(words)


def test_a_body_that_is_none_ends_no_worker(forger: Forger) -> None:
    forger.push(forger.advance(OTHER) | {"body": "%%%"})
    forger.is_refused("its body cannot be decoded")
    forger.push(forger.advance(OTHER) | {"body": base64.b64encode(b"{").decode()})
    forger.is_refused("refused a message")


def test_a_garbled_control_message_ends_no_worker(fleet: Fleet, forger: Forger) -> None:
    """Neither text that is no message nor commands that touch; looking is still answered."""
    channel = f"{fleet.settings.fleet}:/0.celery.pidbox"
    for text in (b"no JSON", b"[]", b"{}", json.dumps(forger.advance(OTHER)).encode()):
        wait_for(lambda text=text: forger.broker.publish(channel, text) == 1)  # it listens there
    control = fleet.app.control
    control.revoke("x", terminate=True)
    control.rate_limit(contract.ADVANCE, "1/h")
    control.time_limit(contract.ADVANCE, hard=0.1)
    control.add_consumer("stolen")
    control.cancel_consumer(queues.CONTROL)
    control.autoscale(1, 1)
    control.pool_shrink(1)
    control.pool_restart()
    control.shutdown()
    forger.is_refused("it is no control command")
    answer = fleet.asked("active_queues")
    assert "stolen" not in {queue["name"] for queue in answer}
    assert queues.CONTROL in {queue["name"] for queue in answer}
    _nothing_began(fleet)


def test_the_worker_still_does_what_is_signed(fleet: Fleet, forger: Forger) -> None:
    """After all of that it lives; a message that is sent again does nothing twice."""
    assert fleet.asked("ping")
    forger.forget()  # it has refused all that was to be refused before it answered
    fleet.submit([asset("x")], [asset("y", "materialize", "load", "checks")], run_id="rrrrr")
    assert fleet.wait("rrrrr") == "succeeded"
    notes = fleet.notes()
    for _ in range(3):
        forger.push(forger.advance("rrrrr"))
        forger.push(forger.step("rrrrr", "x"), queues.GENERAL)
    fleet.submit([asset("later")], run_id="sssss")
    assert fleet.wait("sssss") == "succeeded"
    assert [note for note in fleet.notes() if "later" not in note] == notes
    assert "refused a message" not in forger.log()
    assert fleet.workers[0].poll() is None


def test_forged_results_and_counters_change_nothing(tmp_path: Path, valkey: Valkey) -> None:
    """Chords' counters say that the level is over, results that it failed: the catalog decides."""
    fleet = Fleet(tmp_path, valkey)
    try:
        fleet.worker()
        level = [asset("a", script_until="forged"), asset("x", "materialize", "load")]
        fleet.submit(level, [asset("b", upstreams=("a",))])
        wait_for(lambda: "start a script" in fleet.notes())
        _forge_results(fleet, Forger(fleet))
        fleet.let("forged")
        assert fleet.wait("aaaaa") == "succeeded"
        notes = fleet.notes()
        assert notes.index("start b script") > notes.index("end a script")
        assert notes.count("start b script") == 1
    finally:
        fleet.close()


def _forge_results(fleet: Fleet, forger: Forger) -> None:
    client = fleet.valkey.client()
    wait_for(lambda: _chords(client))  # its size is written when its steps have been sent
    for key in _chords(client):
        group = key.rpartition(".")[0]
        client.delete(*(group + end for end in (".s", ".j", ".d", ".c")))
        client.set(group + ".s", "1")
        client.zadd(group + ".j", {json.dumps([1, "x" * 36, "SUCCESS", {}]): 1.0})
    evil = {"exc_type": "system", "exc_module": "os", "exc_message": ["touch /tmp/forged"]}
    for key in client.keys("*celery-task-meta-*"):
        client.set(key, json.dumps({"status": "FAILURE", "result": evil, "children": []}))
    for _ in range(3):
        forger.push(forger.advance("aaaaa"))


def _chords(client: Any) -> list[str]:
    return [key for key in client.keys("*") if key.endswith((".s", ".j", ".d", ".c"))]


def test_links_that_workers_send_on_are_signed_too(tmp_path: Path, valkey: Valkey) -> None:
    """A chain's later steps, a chord's body and its errback are let in by who checks them."""
    fleet = Fleet(tmp_path, valkey, reconcile_every=3600)
    try:
        fleet.worker()
        steps = ("materialize", "load", "checks")
        good, bad = asset("good", *steps), asset("bad", *steps, load_fails="no room")
        fleet.submit([good, bad], [asset("after", upstreams=("good",))])
        assert fleet.wait("aaaaa") == "failed"
        assert "end after script" in fleet.notes()
        forger = Forger(fleet)
        assert "refused a message" not in forger.log()
        chained = forger.genuine(_chain)
        assert [one["task"] for one in body_of(chained)[2]["chain"]] == ["fleet.load"]
    finally:
        fleet.close()


def _chain(app: Celery) -> Any:
    steps: list[Step] = ["materialize", "load"]
    links = [contract.step_signature(app, "shop", "aaaaa", "good", step) for step in steps]
    return chain(*links, app=app)


def _nothing_began(fleet: Fleet) -> None:
    assert {str(runs.get(fleet.engine, run).state) for run in (VICTIM, OTHER)} <= {"queued"}
    assert not [note for note in fleet.notes() if " a " in note]
