"""workers.routing: where a step goes, from who lives and what the step needs."""

from typing import Any

import pytest

from catalog.placing import Taker
from workers import queues
from workers.routing import Needs, Route, Router, needs_of


def taker(name: str, *served: str, host: str = "", **facts: Any) -> Taker:
    """A living worker with two slots on a host of its own."""
    known = {"slots": 2, "pythons": ("3.11",)} | facts
    return Taker(name=name, host=host or f"host-{name}", queues=served or ("fleet",), **known)


def route(needs: Needs, *takers: Taker) -> Route:
    """Where one step goes."""
    return Router(takers).of(needs)


def test_an_asset_goes_to_the_queue_of_its_instance() -> None:
    """And one without an instance to the queue of all others."""
    workers = (taker("a"), taker("b", "b1.large"))
    assert route(Needs(instance="b1.large"), *workers) == Route(queue="b1.large")
    assert route(Needs(), *workers) == Route(queue="fleet")


def test_a_queue_without_a_worker_is_said_with_what_to_do() -> None:
    """The step waits there for the worker that comes."""
    found = route(Needs(instance="b1.large"), taker("a"))
    assert found.queue == "b1.large"
    assert found.reason == (
        "no living worker takes queue b1.large: start one with `fleet worker --queues b1.large`"
    )


def test_a_worker_of_all_instances_takes_what_nobody_else_takes() -> None:
    """Not what has a worker of its own; beside others it has a queue of its own."""
    everything = taker("up", "*")
    assert route(Needs(instance="b1"), everything).queue == queues.ANY
    assert route(Needs(), everything).queue == "fleet"
    assert route(Needs(instance="b1"), everything, taker("b", "b1")).queue == "b1"
    assert route(Needs(instance="b1"), everything, taker("a")).queue == queues.ANY


def test_a_python_that_only_one_host_has_names_the_host() -> None:
    """Nobody who lacks it finds the step in its queue."""
    has, lacks = taker("a", pythons=("3.11", "3.13")), taker("b")
    assert route(Needs(python="3.13"), has, lacks).queue == "@host-a"
    assert route(Needs(python="3.13"), has).queue == "fleet"
    assert "has Python 3.13" in route(Needs(python="3.13"), lacks).reason
    assert not route(Needs(python="3.13"), lacks).queue
    fetches = taker("c", info={"python_downloads": True})
    assert route(Needs(python="3.13"), fetches).queue == "fleet"


@pytest.mark.parametrize(
    ("spec", "python"),
    [
        ({}, ""),
        ({"python": "3.13"}, "3.13"),
        ({"python": "3.13", "type": "r"}, ""),
        ({"python": "3.13", "requirements": {"kind": "pyproject"}}, ""),
    ],
)
def test_only_a_python_that_gives_way_to_none_is_needed(spec: dict[str, Any], python: str) -> None:
    """The default one, and one that a pyproject.toml bounds, give way to the closest."""
    assert needs_of(spec, "script").python == python
    assert not needs_of(spec, "load").python


def test_a_near_host_is_preferred_while_it_has_a_free_slot() -> None:
    """Two slots, then everybody; a host that does not live is as if it were not near."""
    router = Router([taker("a"), taker("b")])
    needs = Needs(near=("host-dead", "host-a"))
    assert [router.of(needs).queue for _ in range(3)] == ["@host-a", "@host-a", "fleet"]
    full = Router([taker("a", busy=2), taker("b")])
    assert full.of(needs).queue == "fleet"
    alone = Router([taker("a"), taker("c", host="host-a")])
    assert alone.of(needs).queue == "fleet"  # there is nothing to choose


def test_a_near_host_that_does_not_serve_the_instance_is_not_asked() -> None:
    """Affinity never overrules the instance; the host's queue is that of its workers of it."""
    both = (taker("a", "fleet", "b1"), taker("b", "b1"))
    assert route(Needs(instance="b1", near=("host-a",)), *both).queue == "@host-a:b1"
    other = (taker("a"), taker("b", "b1"))
    assert route(Needs(instance="b1", near=("host-a",)), *other).queue == "b1"


def test_a_draining_worker_takes_nothing() -> None:
    """It still listens, which does not count, and its host is not near any more."""
    drained = taker("a", drains=True)
    assert route(Needs(near=("host-a",)), drained, taker("b")).queue == "fleet"
    found = route(Needs(), drained)
    assert not found.queue
    assert "take nothing new" in found.reason


def test_what_weighs_more_than_any_worker_has_slots_is_said() -> None:
    """A load weighs one slot, whatever its instance."""
    small = taker("a", "b1", info={"weights": {"b1": 3}})
    large = taker("b", "b1", info={"weights": {"b1": 3}}, slots=4)
    assert "has the 3 slots that instance b1 takes" in route(Needs(instance="b1"), small).reason
    assert route(Needs(instance="b1"), small, large).queue == "@host-b:b1"
    assert route(Needs(instance="b1", heavy=False), small).queue == "b1"


def test_what_waits_for_busy_hosts_is_not_sent_to_and_fro() -> None:
    """Another host is tried if it has a free slot; each sending would leave a message."""
    needs = Needs(python="3.13")
    able = {"pythons": ("3.11", "3.13")}
    full = [taker("a", **able, busy=2), taker("b", **able, busy=2), taker("c")]
    assert Router(full).of(needs, avoid="@host-a").queue == "@host-a"
    assert Router(full).of(needs, avoid="@host-b").queue == "@host-b"
    room = [taker("a", **able, busy=2), taker("b", **able, busy=1), taker("c")]
    router = Router(room)
    assert [router.of(needs, avoid="@host-a").queue for _ in range(3)] == [
        "@host-b",
        "@host-a",
        "@host-a",
    ]
    gone = [taker("b", **able, busy=2), taker("c")]
    assert Router(gone).of(needs, avoid="@host-a").queue == "@host-b"


def test_what_belongs_to_a_host_goes_there_or_nowhere() -> None:
    """A database file is on one host."""
    workers = (taker("a"), taker("b"))
    assert route(Needs(home="host-b"), *workers).queue == "@host-b"
    found = route(Needs(home="host-c"), *workers)
    assert (found.queue, "is on host host-c" in found.reason) == ("", True)


def test_a_run_of_another_contract_waits_for_workers_of_it() -> None:
    """Two versions that do not understand each other refuse politely."""
    old = taker("a", contract=1)
    assert "speaks contract 2" in route(Needs(contract=2), old).reason
    assert route(Needs(contract=2), old, taker("b", contract=2)).queue == "@host-b"


def test_a_worker_listens_to_its_queues_its_host_and_what_moves_runs() -> None:
    """And to nothing that a message could invent."""
    served = queues.taken_by(("fleet", "b1"), "h")
    assert served == ("fleet.advance", "@h", "@h:b1", "fleet", "b1")
    assert all(queues.is_one(name) for name in served)
    assert set(queues.taken_by(("*",), "h")) >= {"*", "fleet", "@h", "@h:*"}
    assert not [
        name for name in ("", "a b", "@", "@h:@x", "x" * 65, "@h:a b") if queues.is_one(name)
    ]


def test_hosts_with_odd_names_have_queues_of_their_own() -> None:
    """A name that no queue can have keeps apart from those that look like it."""
    odd = {queues.of_host(name) for name in ("my host", "my_host", "my/host", "h" * 200)}
    assert len(odd) == 4
    assert all(queues.is_one(name) for name in odd)


def test_a_host_with_the_environment_is_near() -> None:
    """By its key, which the worker tells; another environment of the asset is not."""
    having = taker("b", info={"envs": [{"key": "3.12.1-abc"}]})
    router = Router([taker("a"), having])
    assert router.with_env("3.12.1-abc") == ["host-b"]
    assert router.with_env("3.12.1-other") == router.with_env("") == []
