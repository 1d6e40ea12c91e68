"""The allow-list of an asset's environment."""

import json
from dataclasses import replace

import pytest

from assets_parser.config import RawConnection
from assets_parser.model import Secret
from assets_parser.spec import AssetSpec
from workers import process_environment
from workers.connections import Connection, Connections
from workers.errors import StepFailed

SPEC = AssetSpec(
    pipeline="shop",
    name="a",
    type="python",
    path="a.py",
    steps=("script",),
    environment={"BRUIN_ASSET": "a", "PATH": "/from/the/plan"},
)


def test_only_harmless_variables_are_inherited() -> None:
    """Names are exact; proxies count in both cases."""
    environ = {
        "PATH": "/bin", "LC_ALL": "C", "https_proxy": "p", "HTTPS_PROXY": "P", "TZ": "UTC",
        "AWS_SECRET_ACCESS_KEY": "x", "FLEET_BROKER": "x", "BRUIN_RUN_ID": "x", "PYTHONPATH": "x",
        "path": "x", "INGESTR_DESTINATION_URI": "x", "VIRTUAL_ENV": "x", "LCX": "x",
    }  # fmt: skip
    kept = process_environment.inherited(environ)
    assert sorted(kept) == ["HTTPS_PROXY", "LC_ALL", "PATH", "TZ", "https_proxy"]


def test_what_the_worker_passes_on_never_hides_what_the_plan_says() -> None:
    given = {"REGION": "fr", "BRUIN_ASSET": "other", "TOKEN": "x"}
    env = process_environment.build(SPEC, {}, given, ("REGION", "BRUIN_ASSET", "UNSET"))
    assert (env["REGION"], env["BRUIN_ASSET"]) == ("fr", "a")
    assert not {"TOKEN", "UNSET"} & set(env)


def test_declared_connections_are_injected_with_their_types() -> None:
    """JSON for most of them, the raw value for generic ones."""
    declared = {
        "WH": Connection(name="wh", type="postgres", fields={"host": "h", "password": "p"}),
        "TOKEN": Connection(name="api", type="generic", fields={"value": "t0ken"}),
    }
    env = process_environment.build(SPEC, declared, {})
    assert env["TOKEN"] == "t0ken"
    assert json.loads(env["WH"])["host"] == "h"
    assert env["BRUIN_CONNECTION_TYPES"] == '{"TOKEN":"generic","WH":"postgres"}'
    assert env["PYTHONUNBUFFERED"] == "1"


def test_no_secrets_means_no_connection_types() -> None:
    """As in Bruin the variable is absent."""
    assert "BRUIN_CONNECTION_TYPES" not in process_environment.build(SPEC, {}, {})


@pytest.mark.parametrize(("name", "value"), [("A=B", "x"), ("", "x"), ("A", "a\0b")])
def test_what_cannot_be_a_variable_is_refused(name: str, value: str) -> None:
    """Before the process is started."""
    declared = {name: Connection(name="api", type="generic", fields={"value": value})}
    with pytest.raises(StepFailed):
        process_environment.build(SPEC, declared, {})


def test_two_secrets_cannot_be_one_variable() -> None:
    """Which of them an asset would get is nobody's guess; the same one twice is the same."""
    once = Secret(key="a", inject_as="TOKEN", injected=False)
    other = Secret(key="b", inject_as="TOKEN", injected=False)
    raw = RawConnection(name="a", type="generic", values={"value": "x"})
    known = Connections(raw={"a": raw})
    assert list(process_environment.secrets(replace(SPEC, secrets=(once, once)), known)) == [
        "TOKEN"
    ]
    with pytest.raises(StepFailed, match="'a' and 'b' are both injected as 'TOKEN'"):
        process_environment.secrets(replace(SPEC, secrets=(once, other)), known)
