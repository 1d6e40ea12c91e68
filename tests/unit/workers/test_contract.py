"""workers.contract: what a message may hold, and the names that both sides use."""

from pathlib import Path
from typing import Any

import pytest

from workers import contract, tasks
from workers.app import make_app
from workers.host import Host
from workers.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a broker that nobody calls."""
    given = {"home": tmp_path, "broker": "redis://127.0.0.1:1/0"}
    return Settings.load({"FLEET_CONFIG": ""}, given)


def test_the_contract_names_exactly_the_tasks_that_a_worker_has(settings: Settings) -> None:
    """A task that only one side knows would be lost in silence."""
    app = make_app(settings)
    tasks.register(app, Host(settings=settings, app=app))
    own = {name for name in app.tasks if not name.startswith("celery.")}
    assert own == contract.TASKS


def test_a_step_reads_well_in_flower(settings: Settings) -> None:
    """Flower shows pipeline, asset and step, and no keyword that a person must decode."""
    app = make_app(settings)
    signature = contract.step_signature(app, "shop", "7f3k2", "raw.orders", "load")
    assert signature.options["shadow"] == "shop/raw.orders · load"
    assert signature.options["argsrepr"] == "(7f3k2, raw.orders)"
    assert signature.args == ("7f3k2", "raw.orders")


@pytest.mark.parametrize("value", [None, 1, "", "a b", "A" * 5, "../..", ["x"], "x" * 33])
def test_what_is_no_run_id_is_refused(value: Any) -> None:
    """Messages are hostile input."""
    with pytest.raises(contract.BadMessageError):
        contract.check_run_id(value)


@pytest.mark.parametrize("value", [None, {}, "", "x" * 1001])
def test_what_is_no_asset_name_is_refused(value: Any) -> None:
    """Messages are hostile input."""
    with pytest.raises(contract.BadMessageError):
        contract.check_asset(value)


def test_a_step_that_nobody_knows_is_refused() -> None:
    """Steps are a closed set."""
    assert contract.checked_step("load") == "load"
    with pytest.raises(contract.BadMessageError):
        contract.checked_step("__import__")
