"""Several workers of one fleet, each with queues and a host of its own: who takes what."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from assets_parser.spec import AssetSpec
from catalog import placing, runs, workers
from catalog.placing import takers
from tests.support.broker import Valkey
from tests.support.fleet import Fleet, asset, wait_for
from tests.support.postgres import PostgresServer, postgres_server
from workers import contract, levels, routing, sending

__all__ = ["postgres_server"]


@pytest.fixture
def spread(tmp_path: Path, valkey: Valkey, postgres_server: PostgresServer) -> Iterator[Fleet]:
    """A fleet whose catalog may serve several hosts."""
    catalog = postgres_server.url(postgres_server.create_database())
    fleet = Fleet(tmp_path, valkey, catalog=catalog)
    yield fleet
    fleet.close()


@pytest.fixture
def fleet(tmp_path: Path, valkey: Valkey) -> Iterator[Fleet]:
    """A fleet without workers yet."""
    fleet = Fleet(tmp_path, valkey)
    yield fleet
    fleet.close()


def of(instance: str, spec: AssetSpec) -> AssetSpec:
    """The asset with an instance."""
    return dataclasses.replace(spec, instance=instance)


def hosts(fleet: Fleet, run_id: str) -> Mapping[str, Any]:
    """The worker that did each asset's last step."""
    return {view.asset: view.worker for view in runs.step_views(fleet.engine, run_id)}


def living(fleet: Fleet) -> set[str]:
    """The workers that have said that they live."""
    return {view.info.name for view in workers.living(fleet.engine, fleet.settings.fleet)}


def reason(fleet: Fleet, run_id: str, name: str) -> str:
    """Why an asset waits."""
    return {view.asset: view.reason for view in runs.asset_runs(fleet.engine, run_id)}[name]


def test_each_asset_runs_on_a_worker_of_its_instance(fleet: Fleet) -> None:
    """All its steps; a worker of one instance only moves the whole run on."""
    fleet.worker("large", queues="b1.large")
    fleet.worker("any")
    wait_for(lambda: living(fleet) == {"large", "any"})
    big = of("b1.large", asset("big", "materialize", "load"))
    fleet.submit([big, asset("small")], [of("b1.large", asset("after", upstreams=("big",)))])
    assert fleet.wait("aaaaa") == "succeeded"
    assert hosts(fleet, "aaaaa") == {"big": "large", "small": "any", "after": "large"}


def test_an_asset_that_nobody_can_take_says_so_and_goes_on_when_somebody_can(fleet: Fleet) -> None:
    """At once, with what to do; the others of its level are not held up."""
    fleet.worker("any")
    wait_for(lambda: living(fleet) == {"any"})
    fleet.submit([of("b1.large", asset("big")), asset("small")])
    wait_for(lambda: "fleet worker --queues b1.large" in reason(fleet, "aaaaa", "big"))
    wait_for(lambda: fleet.states("aaaaa")["small"] == "succeeded")
    fleet.worker("large", queues="b1.large")
    assert fleet.wait("aaaaa") == "succeeded"
    assert hosts(fleet, "aaaaa") == {"big": "large", "small": "any"}
    assert fleet.notes().count("start big script") == 1


@pytest.mark.postgres
def test_a_host_that_has_an_assets_environment_is_preferred_but_not_waited_for(
    spread: Fleet,
) -> None:
    """It ran the asset before; a host that died or is full does not keep it."""
    first = spread.worker("one", host="h1")
    wait_for(lambda: living(spread) == {"one"})
    spread.submit([asset("a"), asset("b")], run_id="first")
    assert spread.wait("first") == "succeeded"
    spread.worker("two", host="h2")
    wait_for(lambda: living(spread) == {"one", "two"})
    assert any(_stays(spread, f"again{number}") for number in range(9))
    first.kill()  # nobody knows yet
    spread.submit([asset("a"), asset("b")], run_id="later")
    assert spread.wait("later") == "succeeded"
    assert hosts(spread, "later") == {"a": "two", "b": "two"}


def _stays(spread: Fleet, run_id: str) -> bool:
    """Whether both went to the first host; a busy one may not take them in time, and loses them."""
    spread.submit([asset("a"), asset("b")], run_id=run_id)
    assert spread.wait(run_id) == "succeeded"
    return {step.queue for step in runs.step_views(spread.engine, run_id)} == {"@h1"}


@pytest.mark.postgres
def test_a_name_that_lives_on_another_host_is_refused(spread: Fleet) -> None:
    """Two workers of one name would bury each other's steps; one host may start its own again."""
    told(spread, "w1", "fleet", host="h1")
    assert spread.worker("w1", host="h2", lease="600").wait(120) == 1
    assert "a worker named w1 lives on host h1" in (spread.folder / "w1.out").read_text("utf-8")
    again = spread.worker("w1", host="h1")
    spread.submit([asset("a")])
    assert spread.wait("aaaaa") == "succeeded"
    assert again.poll() is None


def test_the_only_worker_of_a_fleet_takes_every_instance(fleet: Fleet) -> None:
    """As that of `fleet up` does, so that any pipeline runs there; others leave it their work."""
    fleet.worker("up", queues="*")
    fleet.worker("any")
    wait_for(lambda: living(fleet) == {"up", "any"})
    fleet.submit([of("b1", asset("big")), asset("small")])
    assert fleet.wait("aaaaa") == "succeeded"
    assert hosts(fleet, "aaaaa")["big"] == "up"


def test_a_heavy_asset_has_its_slots_for_itself(fleet: Fleet) -> None:
    """Three light ones run at once; the heavy one runs beside none, and all of them end."""
    fleet.worker("w", queues="fleet,b1", slots="3", weights="b1=3")
    (known,) = wait_until(lambda: takers(fleet.engine, fleet.settings.fleet, 20))
    assert known.info["weights"] == {"b1": 3}
    light = [asset(f"light{number}", script_seconds=0.3) for number in range(6)]
    fleet.submit([*light[:3], of("b1", asset("heavy", script_seconds=0.5)), *light[3:]])
    assert fleet.wait("aaaaa") == "succeeded"
    notes = fleet.notes()
    began = notes.index("start heavy script")
    assert notes[began + 1] == "end heavy script"
    before = notes[:began]
    assert sum(note.startswith("start") for note in before) == sum(
        note.startswith("end") for note in before
    )


def wait_until(found: Any) -> Any:
    """What it gives, once it gives something."""
    wait_for(found)
    return found()


def test_what_waits_where_nobody_takes_it_is_sent_on_once(fleet: Fleet) -> None:
    """Two healers at once send one copy; a queue that lost its worker says so, and says no more."""
    told(fleet, "gone", "fleet", "b1", host="h1")
    fleet.submit([asset("a"), of("b1", asset("b"))], send=False)
    levels.advance(fleet.engine, fleet.app, "aaaaa")
    placing.note(fleet.engine, "aaaaa", "@h1", ["a"], "")
    fleet.age("aaaaa", 10)
    workers.leave(fleet.engine, "gone")
    told(fleet, "here", host="h2")
    before = fleet.queued()
    looks = [sending.look(fleet.engine, fleet.app, fleet.settings.fleet) for _ in range(2)]
    assert (looks, fleet.queued() - before) == ([1, 0], 1)
    queues = {view.asset: view.queue for view in runs.step_views(fleet.engine, "aaaaa")}
    assert queues == {"a": "fleet", "b": "b1"}
    assert "takes queue b1" in reason(fleet, "aaaaa", "b")
    told(fleet, "large", "b1", host="h3")
    assert sending.look(fleet.engine, fleet.app, fleet.settings.fleet) == 0  # it lies there still
    assert not reason(fleet, "aaaaa", "b")


def told(fleet: Fleet, name: str, *queues: str, host: str) -> None:
    """A worker that has said that it lives, and nothing else."""
    info = workers.WorkerInfo(
        name=name,
        fleet=fleet.settings.fleet,
        host=host,
        pid=1,
        slots=2,
        queues=queues or ("fleet",),
        contract=contract.VERSION,
    )
    workers.register(fleet.engine, info)
    routing.attach(fleet.app, fleet.settings)  # as if some time had passed
