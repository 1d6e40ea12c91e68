"""dispatcher.plan_takers: what of a plan no living worker could take."""

from pathlib import Path

from catalog import workers
from catalog.engine import connect, upgrade
from catalog.workers import WorkerInfo
from dispatcher import plan_takers
from tests.support.plans import asset, plan
from workers.settings import Settings


def test_a_plan_says_which_assets_nobody_could_take(tmp_path: Path) -> None:
    """With what is missing; one that a fleet is started for lacks nothing."""
    made = plan([asset("small"), asset("big", instance="b1"), asset("new", python="3.13")])
    given = {"home": tmp_path, "broker": "redis://127.0.0.1:1/0"}
    settings = Settings.load({"FLEET_CONFIG": ""}, given)
    assert "no worker of fleet 'default' lives" in plan_takers.of(made, settings).fleet
    info = WorkerInfo(name="w", fleet="default", host="h", pid=1, queues=("fleet",))
    engine = connect(settings.catalog_url)
    upgrade(engine)
    workers.register(engine, info)
    lacks = plan_takers.of(made, settings)
    assert set(lacks.assets) == {"big", "new"}
    assert "fleet worker --queues b1" in lacks.assets["big"]
    assert "Python 3.13" in lacks.assets["new"]
    assert [line.partition(":")[0] for line in lacks.lines()] == ["big", "new"]
    alone = Settings.load({"FLEET_CONFIG": ""}, {"home": tmp_path / "other"})
    assert not plan_takers.of(made, alone).lines()
