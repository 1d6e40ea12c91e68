"""workers.contract: what a message may hold, and the names that both sides use."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from workers import contract, tasks, transport
from workers.app import make_app
from workers.host import Host
from workers.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a broker that nobody calls."""
    given = {"home": tmp_path, "broker": "redis://127.0.0.1:1/0", "message_key": "k" * 20}
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


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_both_schemes_use_our_transport_and_results(tmp_path: Path, scheme: str) -> None:
    """TLS changes nothing but the socket, and certificates are checked unless told otherwise."""
    given = {"home": tmp_path, "broker": f"{scheme}://:pw@127.0.0.1:1/0"}
    app = make_app(Settings.load({"FLEET_CONFIG": ""}, given))
    connection = app.connection()
    assert type(connection.transport) is transport.Transport
    assert type(app.backend) is transport.Results
    assert bool(connection.ssl) is (scheme == "rediss")
    if scheme == "rediss":
        assert connection.ssl["ssl_cert_reqs"] == ssl.CERT_REQUIRED


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
